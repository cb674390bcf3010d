-- How far the live numbers are in each partition. Watermarks only grow, so the newest need not be told from those
-- that it replaced.
SELECT partition, max(position_to) AS position
FROM kpi_cells
WHERE generation = (SELECT generation FROM generations FINAL WHERE status = 'live' ORDER BY generation DESC LIMIT 1)
  AND tenant = '' AND kpi = '' AND row_kind = 'watermark'
GROUP BY partition
