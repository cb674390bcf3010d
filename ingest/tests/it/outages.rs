//! Kafka away: nothing is acknowledged; Kafka back: everything goes on by itself, and what was acknowledged is there.

use std::time::Duration;

use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::{events::wire, log::EVENTS_TOPIC};

use crate::{
    bad_requests::lost,
    kafka,
    server::{answer, start},
};

#[tokio::test(flavor = "multi_thread")]
async fn without_kafka_there_is_no_ack() {
    let Some(mut kafka) = kafka::start() else { return };
    let config = Config { publish_timeout_ms: 1_000, ready_timeout_ms: 500, ..Config::default() };
    let ingest = start(kafka.config(), "no-kafka", config).await;
    // A broker that has just started may take longer for its first record than the limit of this test.
    while ingest.post_json(&lost("a")).await.0 != 200 {}
    assert_eq!(ingest.get("/readyz").await.0, 200);
    kafka.kill();
    for body in [lost("b"), json!({ "type": "refused" })] {
        let response = ingest.post("application/json", body.to_string()).send().await.unwrap();
        assert_eq!(response.headers()["retry-after"], "1");
        let (status, told) = answer(response).await;
        assert_eq!((status, &told["error"]["code"]), (503, &json!("log_unavailable")), "{told}");
    }
    let (status, ready) = ingest.get("/readyz").await;
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!((status, &ready["kafka"]["reachable"]), (503, &json!(false)));
    assert_eq!(ingest.get("/healthz").await.0, 200);
    tokio::time::timeout(Duration::from_secs(10), ingest.stop()).await.expect("it stops without Kafka too");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_kafka_is_back_a_retry_is_accepted() {
    let Some(mut kafka) = kafka::start() else { return };
    let config = Config { publish_timeout_ms: 1_500, ..Config::default() };
    let ingest = start(kafka.config(), "kafka-back", config).await;
    // As above: its first record may take longer than the limit.
    while ingest.post_json(&lost("before")).await.0 != 200 {}
    kafka.kill();
    let many = Value::Array((0..100).map(|n| lost(&format!("while-{n}"))).collect());
    assert_eq!(ingest.post_json(&many).await.0, 503);
    kafka.start_again();
    let mut attempts = 0;
    let answer = loop {
        let (status, answer) = ingest.post_json(&many).await;
        attempts += 1;
        assert!(attempts < 30, "{answer}");
        if status == 200 {
            break answer;
        }
    };
    assert_eq!(answer["accepted"], 100);
    let records = ingest.records(EVENTS_TOPIC).await;
    let ids: Vec<String> = records.iter().map(|record| wire::decode(record).unwrap().envelope.event_id).collect();
    let last: Vec<String> = (0..100).map(|n| format!("while-{n}")).collect();
    assert_eq!(ids[0], "before", "what was acknowledged is there");
    assert!(ids.ends_with(&last), "the whole retry in its order, whatever of the first attempt came before: {ids:?}");
    ingest.stop().await;
}
