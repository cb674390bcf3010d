-- Leads: one row per lead.
CREATE TABLE IF NOT EXISTS leads
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    lead_id String COMMENT 'The lead.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    channel Nullable(String) COMMENT 'Where it came from.',
    referrer_account_id Nullable(String) COMMENT 'The customer who referred it.',
    status String COMMENT 'open, converted or lost.',
    created_at DateTime64(3, 'UTC') COMMENT 'When it appeared, UTC.',
    created_on Date32 COMMENT 'When it appeared, business date.',
    responded_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When somebody first answered it, UTC.',
    responded_on Nullable(Date32) COMMENT 'When somebody first answered it, business date.',
    response_ms Nullable(Int64) COMMENT 'From created to responded, milliseconds.',
    response_hours Nullable(Decimal(38, 6)) COMMENT 'The same in hours.',
    qualified_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was first found worth pursuing, UTC.',
    qualified_on Nullable(Date32) COMMENT 'When it was first found worth pursuing, business date.',
    converted_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it became a customer or a deal, UTC.',
    converted_on Nullable(Date32) COMMENT 'When it became a customer or a deal, business date.',
    converted_account_id Nullable(String) COMMENT 'The account it became.',
    converted_deal_id Nullable(String) COMMENT 'The deal it became.',
    lost_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it came to nothing, UTC.',
    lost_on Nullable(Date32) COMMENT 'When it came to nothing, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, lead_id)
