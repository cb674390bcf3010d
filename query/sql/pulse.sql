-- What the projector last said of a partition, what it could not count of a company, and what was refused of that company: one
-- row per thing that is known. One statement, because each costs ClickHouse more than its rows do.
SELECT [(position, end_position, copies, toUnixTimestamp64Milli(written_at), stalled, redefined)] AS heartbeat, [] AS finding,
       [] AS dead_letters
FROM heartbeats FINAL
WHERE generation = {generation:UInt32} AND partition = {partition:Int32}
UNION ALL
SELECT [], [(CAST(kind AS String), count(), groupArraySorted({examples:UInt64})((subject, detail)))], []
FROM findings FINAL
WHERE generation = {generation:UInt32} AND tenant = {tenant:String}
GROUP BY kind
UNION ALL
-- Complete as of an instant; no row until their topic was read to its end.
SELECT [], [], [(toUnixTimestamp64Milli(assumeNotNull(complete_at)),
                 assumeNotNull((SELECT count() FROM dead_letters FINAL WHERE tenant = {tenant:String} AND state = 'pending')))]
FROM dead_marks FINAL
WHERE partition = {partition:Int32} AND complete_at IS NOT NULL
