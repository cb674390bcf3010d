-- The facts of a table as readers see them; the names are ours.
SELECT [$columns] AS texts, toInt64(version) AS row_version
FROM $table FINAL
WHERE generation = {generation:UInt32} AND tenant = {tenant:String}
