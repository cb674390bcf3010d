-- Events: the record of the log, duplicates included. Written once per position and never changed.
CREATE TABLE IF NOT EXISTS events
(
    tenant LowCardinality(String) COMMENT 'The company.',
    position Int64 COMMENT 'Offset in the tenant''s partition.',
    type LowCardinality(String) COMMENT 'Event type.',
    source LowCardinality(String) COMMENT 'The system that reported; part of the identity.',
    event_id String COMMENT 'The source''s id of the event; part of the identity.',
    revision Int64 COMMENT 'Orders corrections of one identity.',
    verdict LowCardinality(String) COMMENT 'On arrival: admitted, duplicate, conflict, correction or retraction.',
    entity_kind LowCardinality(String) COMMENT 'What it is about; empty for a retraction of something unknown.',
    entity_id String COMMENT 'Which one.',
    account_id Nullable(String) COMMENT 'The customer.',
    rep_id Nullable(String) COMMENT 'The seller.',
    occurred_at DateTime64(3, 'UTC') COMMENT 'Business time.',
    recorded_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was entered in the CRM, where the source said so.',
    received_at DateTime64(3, 'UTC') COMMENT 'Clock of ingest.',
    known_at DateTime64(3, 'UTC') COMMENT 'When the broker appended it.',
    data String COMMENT 'The payload as JSON; dates as days and instants as milliseconds since 1970.',
    INDEX by_position position TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, position)
