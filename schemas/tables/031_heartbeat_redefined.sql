-- Heartbeats say what the projector's files have otherwise than the definitions of its generation.
ALTER TABLE heartbeats
    ADD COLUMN IF NOT EXISTS redefined String COMMENT 'KPIs and tenants that `tidemark rebuild` would take up, joined by commas.'
