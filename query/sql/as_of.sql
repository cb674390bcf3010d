-- The last event of a company that was known at an instant, and how many were known later, up to a position.
SELECT toInt64(ifNull(maxOrNullIf(position, known_at <= at), -1)) AS position, countIf(known_at > at) AS later
FROM (SELECT position, known_at, fromUnixTimestamp64Milli({instant:Int64}, 'UTC') AS at
      FROM events
      WHERE tenant = {tenant:String} AND position <= {reached:Int64})
