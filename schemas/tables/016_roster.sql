-- Roster: who belonged to which units when.
CREATE TABLE IF NOT EXISTS roster
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    rep_id String COMMENT 'The rep.',
    valid_from Date32 COMMENT 'First day.',
    valid_to Nullable(Date32) COMMENT 'First day after; none while it lasts.',
    team Nullable(String) COMMENT 'Team.',
    department Nullable(String) COMMENT 'Department.',
    region Nullable(String) COMMENT 'Region.',
    role Nullable(String) COMMENT 'Role.',
    segment Nullable(String) COMMENT 'Customer segment served.',
    manager_id Nullable(String) COMMENT 'The rep''s manager.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, rep_id, valid_from)
