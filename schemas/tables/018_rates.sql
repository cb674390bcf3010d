-- Rates: exchange rates, each from a day until the next.
CREATE TABLE IF NOT EXISTS rates
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    from_currency String COMMENT 'ISO 4217 code of what is priced.',
    to_currency String COMMENT 'ISO 4217 code of the price.',
    valid_from Date32 COMMENT 'First day.',
    valid_to Nullable(Date32) COMMENT 'First day after; none for the newest.',
    rate Decimal(38, 6) COMMENT 'Units of to_currency for one unit of from_currency.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, from_currency, to_currency, valid_from)
