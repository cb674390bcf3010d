-- Activities: trainings, contract reviews, success cases, …
CREATE TABLE IF NOT EXISTS activities
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    activity_id String COMMENT 'The activity.',
    kind String COMMENT 'What was done.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    deal_id Nullable(String) COMMENT 'The deal it is about.',
    product Nullable(String) COMMENT 'Product of the deal.',
    outcome Nullable(String) COMMENT 'passed, failed, adopted, …',
    score Nullable(Decimal(38, 6)) COMMENT 'The score given.',
    max_score Nullable(Decimal(38, 6)) COMMENT 'The best possible score.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it took place, UTC.',
    occurred_on Date32 COMMENT 'When it took place, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, activity_id)
