-- Events also carry the hash of their record, so that a log that lost records and took others is told from the one that was read.
ALTER TABLE events ADD COLUMN IF NOT EXISTS record_hash UInt64 COMMENT 'Hash of the record in the log.'
