-- Heartbeats: a partition that has nothing to add says that it was read up to here.
CREATE TABLE IF NOT EXISTS heartbeats
(
    generation UInt32 COMMENT 'The set of numbers.',
    partition Int32 COMMENT 'Partition of the log.',
    position Int64 COMMENT 'Last position that is in the numbers; -1 for none.',
    end_position Int64 COMMENT 'Last position of the log when looked at; -1 for none.',
    copies Int32 COMMENT 'In-sync copies that the log keeps of each record; with 1 a lost disk loses events.',
    written_at DateTime64(3, 'UTC') COMMENT 'Clock of the projector.'
)
ENGINE = ReplacingMergeTree(written_at)
ORDER BY (generation, partition)
