-- How far the numbers of each partition are. Watermarks only grow, so the newest need not be told from those that it replaced.
SELECT partition, max(position_to) AS position
FROM kpi_cells
WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark'
GROUP BY partition
