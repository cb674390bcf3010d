//! ClickHouse's own Kafka engine reads the log, with ingest as its schema registry.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tidemark_ingest::Config;

use crate::{
    bad_requests::lost,
    engine, kafka,
    server::{NOW, start},
};

/// A consumer group of ClickHouse's joins in seconds.
const READ_MAX: Duration = Duration::from_secs(300);

async fn sql(engine: &str, statement: &str) -> String {
    let response = reqwest::Client::new().post(engine).body(statement.to_owned()).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{statement}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_what_clickhouse_reads() {
    let (Some(kafka), Some(engine)) = (kafka::shared(), engine::url()) else { return };
    let ingest = start(kafka.config(), "kafka-engine", Config::default()).await;
    let visit = json!({ "type": "visit.completed", "event_id": "v", "occurred_at": "2026-03-05", "rep_id": "R-7",
        "revision": 3, "data": { "visit_id": "V" } });
    assert_eq!(ingest.post_json(&json!([lost("a"), visit, lost("b")])).await.0, 200);
    let table = format!(
        "CREATE TABLE log (source String, event_id String, revision Int64, rep_id Nullable(String), received_at DateTime64(3, 'UTC')) \
         ENGINE = Kafka SETTINGS kafka_broker_list = '{}', kafka_topic_list = 'crm.events', kafka_group_name = 'clickhouse', \
         kafka_format = 'AvroConfluent', format_avro_schema_registry_url = '{}'",
        kafka.brokers, ingest.url
    );
    sql(&engine, &table).await;
    let read = "SELECT _key AS tenant, source, event_id, revision, rep_id, toUnixTimestamp64Milli(received_at) AS at FROM log \
                SETTINGS stream_like_engine_allow_direct_select = 1, output_format_json_quote_64bit_integers = 0 FORMAT JSONEachRow";
    let started = Instant::now();
    // A select takes what is there at the moment, of every test's tenants.
    let mut ours = BTreeSet::new();
    while ours.len() < 3 {
        assert!(started.elapsed() < READ_MAX, "ClickHouse has read only {ours:?}");
        let rows = sql(&engine, read).await;
        let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        ours.extend(rows.filter(|row| row["tenant"] == "kafka-engine").map(|row| row.to_string()));
    }
    let row = |event_id: &str, revision: i64, rep_id: Value| {
        json!({ "tenant": "kafka-engine", "source": "crm", "event_id": event_id, "revision": revision, "rep_id": rep_id, "at": NOW })
            .to_string()
    };
    let expected = [row("a", 0, Value::Null), row("b", 0, Value::Null), row("v", 3, json!("R-7"))];
    assert_eq!(ours, BTreeSet::from(expected));
    sql(&engine, "DROP TABLE log").await;
    ingest.stop().await;
}
