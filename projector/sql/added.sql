SELECT CAST(kpi AS String), percent FROM backfills FINAL
WHERE generation = {generation:UInt32} AND partition = {partition:Int32}
ORDER BY kpi
