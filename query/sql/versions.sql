-- Every change of some facts up to a position: after which event, and what the fact was then.
SELECT fact_key, position, toUnixTimestamp64Milli(known_at) AS known_at_ms, `exists` AS is_there, fact
FROM fact_versions
WHERE generation = {generation:UInt32} AND tenant = {tenant:String} AND fact_table = {table:String}
  AND fact_key IN {keys:Array(String)} AND position <= {position:Int64}
ORDER BY fact_key, position
LIMIT 1 BY fact_key, position
LIMIT {rows:UInt64}
