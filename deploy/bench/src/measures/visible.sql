SELECT sum(reached) FROM
(
    SELECT partition, max(position_to) + 1 AS reached
    FROM tidemark.kpi_cells
    WHERE generation = 1 AND tenant = '' AND kpi = '' AND row_kind = 'watermark'
    GROUP BY partition
)
