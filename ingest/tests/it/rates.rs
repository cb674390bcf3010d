//! How fast a key may send, on a clock that the test moves.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use serde_json::{Value, json};
use tidemark_ingest::{Clock, Config};
use tidemark_schemas::log::{DEAD_TOPIC, EVENTS_TOPIC};

use crate::{
    bad_requests::lost,
    kafka,
    server::{Ingest, NOW, answer, start_at},
};

/// Status and `Retry-After` of a body of so many events.
async fn send(ingest: &Ingest, events: usize) -> (u16, Option<String>) {
    let body = Value::Array((0..events).map(|n| lost(&format!("e{n}"))).collect());
    let response = ingest.post("application/json", body.to_string()).send().await.unwrap();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let (status, told) = answer(response).await;
    assert!(status == 200 || told["error"]["code"] == "rate", "{told}");
    (status, retry_after)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_too_fast_is_told_when_to_come_back() {
    let Some(kafka) = kafka::shared() else { return };
    let now = Arc::new(AtomicI64::new(NOW));
    let hands = now.clone();
    let config = Config { events_per_second_max_per_key: 5, ..Config::default() };
    let clock = Clock::from_fn(move || hands.load(Ordering::Relaxed));
    let mut ingest = start_at(kafka.config(), "fast", config, clock).await;
    assert_eq!(send(&ingest, 3).await, (200, None));
    assert_eq!(send(&ingest, 17).await, (200, None), "a body is taken whole");
    // 20 events are four seconds' worth, one of which was credit.
    assert_eq!(send(&ingest, 1).await, (429, Some("3".to_owned())));
    now.fetch_add(2_500, Ordering::Relaxed);
    assert_eq!(send(&ingest, 1).await, (429, Some("1".to_owned())));
    ingest.key = "key-of-other".to_owned();
    assert_eq!(send(&ingest, 5).await, (200, None), "another key has its own rate");
    ingest.key = "key-of-fast".to_owned();
    now.fetch_add(501, Ordering::Relaxed);
    assert_eq!(send(&ingest, 1).await, (200, None));
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len(), 21, "what was refused is not in the log");
    assert_eq!(ingest.records(DEAD_TOPIC).await.len(), 0);
    let (_, metrics) = ingest.get("/metrics").await;
    assert!(metrics.contains("requests_total{route=\"/v1/events\",status=\"429\"} 2"), "{metrics}");
    ingest.stop().await;
}

#[test]
fn no_limit_by_default() {
    let config: Config = serde_json::from_value(json!({})).unwrap();
    assert_eq!(config.events_per_second_max_per_key, 0);
    let config: Config = serde_json::from_value(json!({ "events_per_second_max_per_key": 50 })).unwrap();
    assert_eq!(config.events_per_second_max_per_key, 50);
}
