-- Incidents: what went wrong.
CREATE TABLE IF NOT EXISTS incidents
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    incident_id String COMMENT 'The incident.',
    kind String COMMENT 'data_security, …',
    account_id Nullable(String) COMMENT 'The customer, as sent.',
    rep_id Nullable(String) COMMENT 'The seller.',
    severity Nullable(String) COMMENT 'How bad.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it took place, UTC.',
    occurred_on Date32 COMMENT 'When it took place, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, incident_id)
