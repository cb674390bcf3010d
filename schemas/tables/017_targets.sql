-- Targets: what a unit is to reach in a period.
CREATE TABLE IF NOT EXISTS targets
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    target_id String COMMENT 'Unit, id, period and KPI, joined.',
    unit String COMMENT 'company, department, team or rep.',
    unit_id Nullable(String) COMMENT 'Which; none for the company.',
    period String COMMENT '2026, 2026-Q1, 2026-03 or 2026-W10.',
    kpi String COMMENT 'The KPI''s name.',
    value Decimal(38, 6) COMMENT 'The value to reach.',
    valid_from Date32 COMMENT 'First day of the period.',
    valid_to Date32 COMMENT 'First day after the period.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, target_id)
