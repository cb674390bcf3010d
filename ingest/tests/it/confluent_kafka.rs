//! `confluent-kafka` (Python) with ingest as its schema registry: every type of event reads as it was sent.

use std::{collections::BTreeMap, path::Path};

use proptest::{strategy::Strategy, strategy::ValueTree, test_runner::TestRunner};
use serde_json::Value;
use tidemark_ingest::Config;
use tidemark_schemas::{
    events::{Event, EventType},
    log::EVENTS_TOPIC,
};

use crate::{
    arbitrary::{event, print},
    kafka, python,
    round_trips::expected,
    server::start,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/confluent_kafka_client.py");

#[tokio::test(flavor = "multi_thread")]
async fn every_type_reads_as_it_was_sent() {
    let Some(kafka) = kafka::shared() else { return };
    let tenant = "confluent-kafka";
    let ingest = start(kafka.config(), tenant, Config::default()).await;
    let sent = one_of_each_type();
    let body = Value::Array(sent.iter().map(print).collect());
    let (status, told) = ingest.post_json(&body).await;
    assert_eq!((status, told["accepted"].as_u64()), (200, Some(sent.len() as u64)), "{told}");

    let (brokers, registry) = (kafka.brokers.clone(), ingest.url.clone());
    let arguments = move || python::run(Path::new(SCRIPT), &[&brokers, &registry, EVENTS_TOPIC, tenant]);
    let said = tokio::task::spawn_blocking(arguments).await.unwrap();
    let read: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read.len(), sent.len());
    for (sent, read) in sent.iter().zip(&read) {
        assert_eq!(&expected(sent), read, "{sent:?}");
    }
    ingest.stop().await;
}

fn one_of_each_type() -> Vec<Event> {
    let mut runner = TestRunner::deterministic();
    let mut events: BTreeMap<EventType, Event> = BTreeMap::new();
    while events.len() < EventType::ALL.len() {
        let event = event().new_tree(&mut runner).unwrap().current();
        events.entry(event.data.event_type()).or_insert(event);
    }
    events.into_values().collect()
}
