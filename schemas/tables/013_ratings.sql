-- Ratings: one rater's score of one person in one dimension of one cycle.
CREATE TABLE IF NOT EXISTS ratings
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    rating_id String COMMENT 'Cycle, subject, rater, relation and dimension, joined.',
    cycle String COMMENT 'The appraisal cycle.',
    rep_id String COMMENT 'Who is rated.',
    rater_id String COMMENT 'Who rates.',
    relation String COMMENT 'self, manager, customer or peer.',
    dimension String COMMENT 'performance, behaviour or ability.',
    score Decimal(38, 6) COMMENT 'The score given.',
    max_score Decimal(38, 6) COMMENT 'The best possible score.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it took place, UTC.',
    occurred_on Date32 COMMENT 'When it took place, business date.',
    version UInt64 COMMENT 'Position of the last event that touched this row.',
    is_deleted UInt8 COMMENT '1 where the fact no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, rating_id)
