-- Dead letters: what was refused and what became of it, without bodies. A letter is pending while its last record is a letter.
CREATE TABLE IF NOT EXISTS dead_letters
(
    tenant LowCardinality(String) COMMENT 'The company.',
    id String COMMENT 'Hash of company and body: the same refused again is the same letter.',
    source LowCardinality(String) COMMENT 'The source of the key that sent it; tidemark-projector for records of the log that say nothing.',
    state LowCardinality(String) COMMENT 'pending, replayed or dropped.',
    reason LowCardinality(String) COMMENT 'Code of the first thing that was wrong.',
    field Nullable(String) COMMENT 'Which field that was about; none where it is the whole.',
    reasons String COMMENT 'Everything that was wrong when it came last: code or code and field, joined by commas.',
    times Int64 COMMENT 'How often it came.',
    first_at DateTime64(3, 'UTC') COMMENT 'When it came first.',
    last_at DateTime64(3, 'UTC') COMMENT 'When it came last.',
    resolved_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was replayed or dropped; none while it is pending.',
    resolved_by Nullable(String) COMMENT 'The source of the key that did it.',
    version UInt64 COMMENT 'Offset in crm.dead of the last record about it.'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant, id)
