-- Deal stages: one row per stay of a deal in a stage.
CREATE TABLE IF NOT EXISTS deal_stages
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    deal_id String COMMENT 'The deal.',
    stay Int64 COMMENT '1 for the deal''s first stay, 2 for the next.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    product Nullable(String) COMMENT 'Product of the deal.',
    stage String COMMENT 'The stage.',
    entered_at DateTime64(3, 'UTC') COMMENT 'When the deal entered it, UTC.',
    entered_on Date32 COMMENT 'When the deal entered it, business date.',
    left_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the deal left it, UTC.',
    left_on Nullable(Date32) COMMENT 'When the deal left it, business date.',
    duration_ms Nullable(Int64) COMMENT 'How long it stayed, milliseconds.',
    days Nullable(Decimal(38, 6)) COMMENT 'The same in days.',
    advanced Bool COMMENT 'Whether it left for a later stage of the pipeline, or was won.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, deal_id, stay)
