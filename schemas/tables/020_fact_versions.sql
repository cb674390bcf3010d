-- Fact versions: every change of every fact, for as-of answers and explanations.
CREATE TABLE IF NOT EXISTS fact_versions
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    fact_table LowCardinality(String) COMMENT 'The fact table.',
    fact_key String COMMENT 'The key of the fact in it.',
    position Int64 COMMENT 'The event after which the fact looked like this.',
    known_at DateTime64(3, 'UTC') COMMENT 'When the broker appended that event.',
    exists UInt8 COMMENT '0 where the fact ceased to exist.',
    fact String COMMENT 'The columns of the fact as JSON.',
    INDEX by_position position TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY generation
ORDER BY (generation, tenant, fact_table, fact_key, position)
