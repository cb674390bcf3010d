-- Touches: visits and calls of an account in their order. A merged account's touches are the survivor's.
CREATE TABLE IF NOT EXISTS touches
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    kind String COMMENT 'visit or call.',
    touch_id String COMMENT 'The visit or call.',
    account_id String COMMENT 'The customer; after a merge the survivor.',
    rep_id Nullable(String) COMMENT 'The seller.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it took place, UTC.',
    occurred_on Date32 COMMENT 'When it took place, business date.',
    first_of_account Bool COMMENT 'Whether it is the account''s first touch.',
    gap_ms Nullable(Int64) COMMENT 'Since the account''s touch before, milliseconds.',
    gap_days Nullable(Decimal(38, 6)) COMMENT 'The same in days.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, kind, touch_id)
