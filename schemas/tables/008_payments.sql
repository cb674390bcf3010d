-- Payments: one row per movement of money.
CREATE TABLE IF NOT EXISTS payments
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    payment_id String COMMENT 'The movement.',
    receivable_id String COMMENT 'The receivable it belongs to.',
    direction String COMMENT 'received or refunded.',
    deal_id Nullable(String) COMMENT 'The receivable''s deal.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    product Nullable(String) COMMENT 'Product of the deal.',
    method Nullable(String) COMMENT 'How it was paid.',
    amount Decimal(38, 6) COMMENT 'Signed: refunds are negative.',
    currency String COMMENT 'ISO 4217 code of the amounts in this row.',
    received_at DateTime64(3, 'UTC') COMMENT 'When the money moved, UTC.',
    received_on Date32 COMMENT 'When the money moved, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, receivable_id, payment_id, direction)
