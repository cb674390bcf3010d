CREATE DATABASE pair;

CREATE TABLE pair.log
(
    rep_id Nullable(String),
    occurred_at DateTime64(3, 'UTC'),
    `data.visit_id` Nullable(String),
    `data.call_id` Nullable(String),
    `data.deal_id` Nullable(String),
    `data.amount` Nullable(Decimal(28, 6)),
    `data.duration_min` Nullable(Int64)
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '{brokers}',
    kafka_topic_list = 'crm.events',
    kafka_group_name = 'pair',
    kafka_format = 'AvroConfluent',
    kafka_num_consumers = {consumers},
    kafka_thread_per_consumer = 1,
    kafka_flush_interval_ms = 1000,
    format_avro_schema_registry_url = '{registry}',
    input_format_avro_allow_missing_fields = 1;

CREATE TABLE pair.daily
(
    tenant LowCardinality(String),
    day Date,
    type LowCardinality(String),
    rep_id String,
    events UInt64,
    minutes Int64,
    amount Decimal(38, 6)
)
ENGINE = SummingMergeTree
ORDER BY (tenant, day, type, rep_id);

CREATE MATERIALIZED VIEW pair.feed TO pair.daily AS
SELECT
    _key AS tenant,
    toDate(occurred_at) AS day,
    multiIf(isNotNull(`data.visit_id`), 'visit', isNotNull(`data.call_id`), 'call', isNotNull(`data.deal_id`), 'deal', 'other') AS type,
    ifNull(rep_id, '') AS rep_id,
    count() AS events,
    sum(ifNull(`data.duration_min`, 0)) AS minutes,
    sum(ifNull(`data.amount`, 0)) AS amount
FROM pair.log
GROUP BY tenant, day, type, rep_id
