-- Appeals: objections to a number.
CREATE TABLE IF NOT EXISTS appeals
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    appeal_id String COMMENT 'The appeal.',
    kpi String COMMENT 'The KPI''s name.',
    rep_id String COMMENT 'Whose number.',
    period String COMMENT 'Of which period.',
    status String COMMENT 'filed, upheld or rejected.',
    filed_at DateTime64(3, 'UTC') COMMENT 'When it was filed, UTC.',
    filed_on Date32 COMMENT 'When it was filed, business date.',
    decided_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was decided, UTC.',
    decided_on Nullable(Date32) COMMENT 'When it was decided, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, appeal_id)
