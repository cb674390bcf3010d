-- How far the numbers of a partition are; -1 before the first.
SELECT toInt64(ifNull(maxOrNull(position_to), -1)) AS position
FROM kpi_cells
WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {partition:Int32}
