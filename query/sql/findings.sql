SELECT CAST(kind AS String) AS kind, count() AS found, groupArraySorted({examples:UInt64})((subject, detail)) AS examples
FROM findings FINAL
WHERE generation = {generation:UInt32} AND tenant = {tenant:String}
GROUP BY kind
ORDER BY kind
