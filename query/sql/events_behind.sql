-- The events at some positions and all of some entities, up to a position; a record that was written twice is one.
SELECT position, type, source, event_id, revision, verdict, entity_kind, entity_id,
       toUnixTimestamp64Milli(occurred_at) AS occurred_at_ms, toUnixTimestamp64Milli(known_at) AS known_at_ms, data
FROM events
WHERE tenant = {tenant:String} AND position <= {position:Int64}
  AND (position IN {positions:Array(Int64)} OR concat(entity_kind, '/', entity_id) IN {entities:Array(String)})
ORDER BY position
LIMIT 1 BY position
LIMIT {rows:UInt64}
