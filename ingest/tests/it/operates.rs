//! What an operator sees: readiness, metrics, starts that are refused, stops that lose nothing.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidemark_ingest::{Clock, Config, bind};
use tidemark_schemas::{
    connect::{KafkaConfig, RegistryConfig},
    log::EVENTS_TOPIC,
};

use crate::{
    kafka,
    server::{answer, start, tenants},
};

fn visit(event_id: &str) -> Value {
    json!({ "type": "visit.completed", "event_id": event_id, "occurred_at": "2026-03-05", "data": { "visit_id": event_id } })
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_and_metrics() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "operates", Config::default()).await;
    assert_eq!(ingest.get("/healthz").await, (200, "ok\n".to_owned()));
    let (status, ready) = ingest.get("/readyz").await;
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(
        (status, &ready["ready"], &ready["copies"], &ready["kafka"]["brokers"]),
        (200, &json!(true), &json!(1), &json!(1))
    );
    assert!(ready["warning"].as_str().unwrap().contains("min.insync.replicas"), "{ready}");
    let topics: Vec<String> =
        ready["topics"].as_array().unwrap().iter().map(|t| format!("{} {}", t["name"], t["partitions"])).collect();
    assert_eq!(topics, ["\"crm.events\" 4", "\"crm.dead\" 4", "\"crm.changes\" 4", "\"crm.alerts\" 4"]);

    ingest.post_json(&json!([visit("a"), visit("b"), {}])).await;
    let (_, metrics) = ingest.get("/metrics").await;
    for line in [
        "tidemark_ingest_events_accepted_total{type=\"visit.completed\"} 2",
        "tidemark_ingest_problems_total{code=\"missing_field\"} 3",
        "tidemark_ingest_dead_letters_total 1",
        "tidemark_ingest_requests_total{route=\"/v1/events\",status=\"200\"} 1",
        "tidemark_ingest_in_flight_bytes 0",
        "tidemark_ingest_publish_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_that_are_refused() {
    let attempt = async |kafka: KafkaConfig, config: Config| {
        let config = Config { start_timeout_ms: 1_000, ..config };
        bind(config, kafka, RegistryConfig::default(), Arc::new(tenants(&["a"])), Clock::system())
            .await
            .err()
            .unwrap()
            .to_string()
    };
    let free = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
    let nowhere = KafkaConfig { brokers: format!("127.0.0.1:{}", kafka::free_port()), ..KafkaConfig::default() };
    let error = attempt(nowhere, free.clone()).await;
    assert!(error.contains("did not answer within 1000 ms") && error.contains("is it running"), "{error}");
    let nowhere = KafkaConfig::default();
    let error = attempt(nowhere, Config { in_flight_bytes_max: 10, ..free.clone() }).await;
    assert!(error.contains("in_flight_bytes_max = 10 has no room"), "{error}");
    let Some(kafka) = kafka::shared() else { return };
    start(kafka.config(), "first", free.clone()).await.stop().await;
    let error = attempt(KafkaConfig { partitions: 5, ..kafka.config() }, free.clone()).await;
    assert!(error.contains("crm.events has 4 partitions") && error.contains("set `partitions = 4`"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = attempt(kafka.config(), Config { listen: taken.local_addr().unwrap(), ..Config::default() }).await;
    assert!(error.contains("cannot listen on"), "{error}");
    let error = attempt(kafka.config(), Config { body_bytes_max: 64 << 20, ..free }).await;
    assert!(error.contains("max.message.bytes") && error.contains("body_bytes_max"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_it_has_begun() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "drained", Config::default()).await;
    let body = |n: usize| Value::Array((0..500).map(|m| visit(&format!("{n}-{m}"))).collect()).to_string();
    let posts: Vec<_> = (0..8).map(|n| tokio::spawn(ingest.post("application/json", body(n)).send())).collect();
    while !ingest.get("/metrics").await.1.contains("accepted_total{type=\"visit.completed\"}") {
        tokio::task::yield_now().await;
    }
    let (tenant, kafka_config) = (ingest.tenant.clone(), ingest.kafka.clone());
    tokio::time::timeout(Duration::from_secs(10), ingest.stop()).await.expect("stops in time");
    let mut acknowledged = 0;
    for post in posts {
        // A request that came too late is refused a connection: that is no acknowledgement.
        if let Ok(response) = post.await.unwrap() {
            acknowledged += answer(response).await.1["accepted"].as_u64().unwrap();
        }
    }
    let again = start(kafka_config, &tenant, Config::default()).await;
    let records = again.records(EVENTS_TOPIC).await.len() as u64;
    assert!(acknowledged > 0 && records >= acknowledged, "{records} of {acknowledged} acknowledged events are in the log");
    again.stop().await;
}

#[test]
fn the_configuration_refuses_what_it_does_not_know() {
    let config: Config = serde_json::from_value(json!({ "body_bytes_max": 10 })).unwrap();
    assert_eq!((config.body_bytes_max, config.listen.port()), (10, 8080));
    let error = serde_json::from_value::<Config>(json!({ "body_byte_max": 10 })).unwrap_err().to_string();
    assert!(error.contains("unknown field `body_byte_max`"), "{error}");
}
