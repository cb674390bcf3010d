-- KPI cells, their multisets and the watermark: rows of one table, so that one insert of one block shows a batch's
-- numbers and its position at once. row_kind says which columns mean something:
--   cell      facts, s0 … s5: the additive slots of one KPI for (rep, day, dims, currency)
--   value     slot, text or number, facts: how many facts of a cell hold this value
--   watermark partition, position_from, position_to, step, record_hash, log_id (kpi and tenant are empty)
CREATE TABLE IF NOT EXISTS kpi_cells
(
    generation UInt32 COMMENT 'The set of numbers this row belongs to.',
    tenant LowCardinality(String) COMMENT 'The company.',
    kpi LowCardinality(String) COMMENT 'The name of the KPI.',
    row_kind Enum8('cell' = 1, 'value' = 2, 'watermark' = 3) COMMENT 'What this row is.',
    day Date32 COMMENT 'Business day.',
    rep_id String COMMENT 'The seller; empty for none.',
    d0 LowCardinality(String) COMMENT 'First dimension of the KPI; empty for none.',
    d1 LowCardinality(String) COMMENT 'Second dimension.',
    d2 LowCardinality(String) COMMENT 'Third dimension.',
    currency LowCardinality(String) COMMENT 'Currency of the slots of a money KPI.',
    slot UInt8 COMMENT 'Which slot of the KPI a value belongs to.',
    text String COMMENT 'The value of a distinct count.',
    number Decimal(38, 6) COMMENT 'The value of a median, percentile, minimum or maximum.',
    partition Int32 COMMENT 'Partition of the log.',
    facts Int64 COMMENT 'Facts in the cell, or facts with this value.',
    s0 Decimal(38, 6) COMMENT 'Slot.',
    s1 Decimal(38, 6) COMMENT 'Slot.',
    s2 Decimal(38, 6) COMMENT 'Slot.',
    s3 Decimal(38, 6) COMMENT 'Slot.',
    s4 Decimal(38, 6) COMMENT 'Slot.',
    s5 Decimal(38, 6) COMMENT 'Slot.',
    position_from Int64 COMMENT 'First position of the batch.',
    position_to Int64 COMMENT 'Last position of the batch.',
    step Int64 COMMENT 'Blocks of cells of added KPIs that were written at position_to.',
    record_hash UInt64 COMMENT 'Hash of the record at position_to.',
    log_id String COMMENT 'Which log: cluster and first record.',
    version UInt64 COMMENT 'Position of the last event that touched this row; of a watermark that times 65536, and its step.',
    is_deleted UInt8 COMMENT '1 where the row no longer exists.',
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY generation
ORDER BY (generation, tenant, kpi, row_kind, day, rep_id, d0, d1, d2, currency, slot, text, number, partition)
-- Questions are about one company's KPI, and every batch asks for one watermark: a granule is the least that is read of each part.
SETTINGS index_granularity = 512
