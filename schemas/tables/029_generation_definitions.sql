-- Generations keep what they were made with: readers and writers run what is stored here, never the files.
ALTER TABLE generations
    ADD COLUMN IF NOT EXISTS definitions String COMMENT 'KPI files, settings of tenants and versions of the program, as JSON.',
    ADD COLUMN IF NOT EXISTS made_at DateTime64(3, 'UTC') COMMENT 'When the generation was begun.'
