-- Dead marks: how far crm.dead was read into dead_letters. A count of letters is known only while its mark is fresh.
CREATE TABLE IF NOT EXISTS dead_marks
(
    partition Int32 COMMENT 'Partition of crm.dead; that of the company''s events.',
    next_offset Int64 COMMENT 'Every record before it is in dead_letters.',
    complete_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Everything that was there then is in dead_letters; none until the end was reached for the first time.',
    written_at DateTime64(3, 'UTC') COMMENT 'Clock of the projector.'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY partition
