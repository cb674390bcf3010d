-- Findings: what could not be counted, and why. Shown by freshness, so that no number is silently incomplete.
CREATE TABLE IF NOT EXISTS findings
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    kind LowCardinality(String) COMMENT 'incomplete, other_currency or not_measured.',
    subject String COMMENT 'What it is about: an entity, a payment, a KPI and its fact.',
    detail String COMMENT 'One sentence.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where it no longer holds.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, kind, subject)
