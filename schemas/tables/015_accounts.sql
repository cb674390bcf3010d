-- Accounts: one row per customer; a merged account is part of its survivor.
CREATE TABLE IF NOT EXISTS accounts
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    account_id String COMMENT 'The customer.',
    rep_id Nullable(String) COMMENT 'Owner of the first won deal.',
    industry Nullable(String) COMMENT 'Industry.',
    segment Nullable(String) COMMENT 'Segment.',
    region Nullable(String) COMMENT 'Region.',
    acquisition_cost Nullable(Decimal(38, 6)) COMMENT 'Money spent to win the customer.',
    gross_margin Nullable(Decimal(38, 6)) COMMENT 'Share of revenue.',
    expected_years Nullable(Decimal(38, 6)) COMMENT 'How long the customer is expected to stay.',
    created_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the customer record began, UTC.',
    created_on Nullable(Date32) COMMENT 'When the customer record began, business date.',
    first_won_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the first deal was won, UTC.',
    first_won_on Nullable(Date32) COMMENT 'When the first deal was won, business date.',
    won_deals Int64 COMMENT 'Won deals.',
    annual_spend Decimal(38, 6) COMMENT 'Won amount in the 365 days from first_won_on, in the currency of this row.',
    currency String COMMENT 'ISO 4217 code of the amounts in this row.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, account_id)
