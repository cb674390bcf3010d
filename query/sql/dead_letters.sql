-- Pending dead letters of a company, and the instant of which they are complete; no row until their topic was read to its end.
SELECT toUnixTimestamp64Milli(assumeNotNull(complete_at)) AS complete_at_ms,
       assumeNotNull((SELECT count() FROM dead_letters FINAL WHERE tenant = {tenant:String} AND state = 'pending')) AS pending
FROM dead_marks FINAL
WHERE partition = {partition:Int32} AND complete_at IS NOT NULL
