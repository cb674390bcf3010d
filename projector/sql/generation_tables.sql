-- The tables with rows of generations: in a partition for each, or in between others.
SELECT t.name AS name, t.partition_key = 'generation' AS is_partitioned
FROM system.tables AS t
WHERE t.database = currentDatabase() AND t.name != 'generations'
  AND t.name IN (SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'generation')
ORDER BY name
