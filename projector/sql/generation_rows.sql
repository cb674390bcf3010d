SELECT toUInt32(partition) AS generation, sum(rows) AS stored
FROM system.parts
WHERE database = currentDatabase() AND active
  AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND partition_key = 'generation')
GROUP BY partition
