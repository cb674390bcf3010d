-- How far the numbers of a partition are: its last batch, or what a heartbeat said since.
SELECT max(reached)
FROM
(
    SELECT position_to AS reached
    FROM kpi_cells FINAL
    WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {partition:Int32}
    UNION ALL
    SELECT position AS reached
    FROM heartbeats FINAL
    WHERE generation = {generation:UInt32} AND partition = {partition:Int32}
    UNION ALL
    SELECT toInt64(-1) AS reached
)
