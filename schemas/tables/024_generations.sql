-- Generations: which set of numbers is live.
CREATE TABLE IF NOT EXISTS generations
(
    generation UInt32 COMMENT 'The set of numbers.',
    definitions_hash String COMMENT 'What it was built with.',
    status LowCardinality(String) COMMENT 'building, live or retired.',
    changed_at DateTime64(3, 'UTC') COMMENT 'When it got this status.'
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY generation
