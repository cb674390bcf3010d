-- Receivables: one row per amount asked for.
CREATE TABLE IF NOT EXISTS receivables
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    receivable_id String COMMENT 'The receivable.',
    deal_id Nullable(String) COMMENT 'The deal it comes from.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    product Nullable(String) COMMENT 'Product of the deal.',
    amount Decimal(38, 6) COMMENT 'What is asked for.',
    currency String COMMENT 'ISO 4217 code of the amounts in this row.',
    due_on Date32 COMMENT 'The day it is due.',
    issued_at DateTime64(3, 'UTC') COMMENT 'When it was asked for, UTC.',
    issued_on Date32 COMMENT 'When it was asked for, business date.',
    received_amount Decimal(38, 6) COMMENT 'Received less refunded, in the receivable''s currency.',
    status String COMMENT 'open, settled or waived.',
    settled_on Nullable(Date32) COMMENT 'The day the received amount reached the amount.',
    settlement_days Nullable(Int64) COMMENT 'Days from due_on to settled_on; negative when early.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, receivable_id)
