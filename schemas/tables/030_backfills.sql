-- Backfills: KPIs that were added to a generation with numbers, until each partition has measured its facts for them.
CREATE TABLE IF NOT EXISTS backfills
(
    generation UInt32 COMMENT 'The set of numbers.',
    kpi LowCardinality(String) COMMENT 'The name of the KPI.',
    partition Int32 COMMENT 'Partition of the log.',
    percent UInt8 COMMENT 'How much is done; with 100 the KPI can be read. It never goes back.'
)
ENGINE = ReplacingMergeTree(percent)
PARTITION BY generation
ORDER BY (generation, kpi, partition)
