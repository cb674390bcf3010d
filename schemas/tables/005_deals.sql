-- Deals: one row per deal, as it stands now.
CREATE TABLE IF NOT EXISTS deals
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    deal_id String COMMENT 'The deal.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    kind Nullable(String) COMMENT 'new, renewal or expansion.',
    product Nullable(String) COMMENT 'Product of the deal.',
    amount Nullable(Decimal(38, 6)) COMMENT 'Its amount.',
    currency String COMMENT 'ISO 4217 code of the amounts in this row.',
    status String COMMENT 'open, won or lost.',
    stage Nullable(String) COMMENT 'The stage it is in, or was in when it closed.',
    stage_entered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it entered its stage, UTC.',
    stage_entered_on Nullable(Date32) COMMENT 'When it entered its stage, business date.',
    opened_at DateTime64(3, 'UTC') COMMENT 'When it was opened, UTC.',
    opened_on Date32 COMMENT 'When it was opened, business date.',
    closed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was won or lost, UTC.',
    closed_on Nullable(Date32) COMMENT 'When it was won or lost, business date.',
    expected_close_on Nullable(Date32) COMMENT 'When it is expected to close.',
    expires_on Nullable(Date32) COMMENT 'When the contract it leads to ends.',
    cycle_ms Nullable(Int64) COMMENT 'From opened to closed, milliseconds.',
    cycle_days Nullable(Decimal(38, 6)) COMMENT 'The same in days.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, deal_id)
