SELECT CAST(kpi AS String) FROM backfills FINAL
WHERE generation = {generation:UInt32} AND partition = {partition:Int32} AND percent < 100
ORDER BY kpi
