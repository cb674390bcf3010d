-- How far the numbers of a partition are. Watermarks only grow, so the newest need not be told from those that it replaced.
SELECT ifNull(maxOrNull(position_to), -1)
FROM kpi_cells
WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {partition:Int32}
