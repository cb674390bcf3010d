-- The steps that were applied to this database, in order.
CREATE TABLE IF NOT EXISTS schema_steps
(
    step UInt32 COMMENT 'Number of the file in schemas/tables.',
    name String COMMENT 'Name of the file.',
    sha256 String COMMENT 'Hash of the text that was applied.',
    applied_at DateTime64(3, 'UTC') COMMENT 'When.'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY step
