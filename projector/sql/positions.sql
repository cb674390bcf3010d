-- How far the partitions of a generation are: the last batch, or what a heartbeat said since.
SELECT partition, max(reached)
FROM
(
    SELECT partition, position_to AS reached
    FROM kpi_cells FINAL
    WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark'
    UNION ALL
    SELECT partition, position AS reached
    FROM heartbeats FINAL
    WHERE generation = {generation:UInt32} AND position >= 0
)
GROUP BY partition
ORDER BY partition
