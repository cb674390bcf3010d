SELECT position, end_position, copies, toUnixTimestamp64Milli(written_at) AS written_at_ms, stalled, redefined
FROM heartbeats FINAL
WHERE generation = {generation:UInt32} AND partition = {partition:Int32}
