-- The facts of a table that were touched after a position, also those that are no more.
SELECT [$columns] AS texts, toInt64(max(version)) AS row_version
FROM $table
WHERE generation = {generation:UInt32} AND tenant = {tenant:String} AND version > {position:Int64}
GROUP BY $key
