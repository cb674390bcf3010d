-- Calls: one row per phone call.
CREATE TABLE IF NOT EXISTS calls
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    call_id String COMMENT 'The call.',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    direction Nullable(String) COMMENT 'inbound or outbound.',
    duration_s Nullable(Int64) COMMENT 'Seconds.',
    connected Nullable(Bool) COMMENT 'Whether somebody answered.',
    agent Nullable(String) COMMENT 'human or ai.',
    outcome Nullable(String) COMMENT 'How it ended.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it took place, UTC.',
    occurred_on Date32 COMMENT 'When it took place, business date.',
    recorded_at DateTime64(3, 'UTC') COMMENT 'When it was entered in the CRM, UTC.',
    recorded_on Date32 COMMENT 'When it was entered in the CRM, business date.',
    entry_delay_ms Int64 COMMENT 'Entered after it took place, milliseconds; negative when entered before.',
    entry_delay_hours Decimal(38, 6) COMMENT 'The same in hours, for display.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, call_id)
