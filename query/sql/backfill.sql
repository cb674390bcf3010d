SELECT percent FROM backfills FINAL
WHERE generation = {generation:UInt32} AND kpi = {kpi:String} AND partition = {partition:Int32}
