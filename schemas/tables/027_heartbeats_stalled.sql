-- Heartbeats also say why a partition waits for an operator.
ALTER TABLE heartbeats ADD COLUMN IF NOT EXISTS stalled String COMMENT 'Why the partition waits for an operator; empty where it does not.'
