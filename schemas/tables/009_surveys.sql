-- Surveys: one row per answer.
CREATE TABLE IF NOT EXISTS surveys
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    survey_id String COMMENT 'The answer.',
    kind String COMMENT 'nps, csat, ces, handover or custom.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    deal_id Nullable(String) COMMENT 'The deal it is about.',
    visit_id Nullable(String) COMMENT 'The visit it is about.',
    product Nullable(String) COMMENT 'Product of the deal.',
    score Decimal(38, 6) COMMENT 'The score given.',
    max_score Nullable(Decimal(38, 6)) COMMENT 'The best possible score.',
    responded_at DateTime64(3, 'UTC') COMMENT 'When it was answered, UTC.',
    responded_on Date32 COMMENT 'When it was answered, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, survey_id)
