//! Ingest with a schema registry configured: it makes its schemas known there, and records carry the ids of the registry.

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
};
use serde_json::json;
use tidemark_ingest::{Clock, Config, bind};
use tidemark_schemas::{
    connect::RegistryConfig,
    events::{
        EventType,
        wire::{decode_with, schema_by_text, schemas, unframe},
    },
    log::{EVENTS_TOPIC, REGISTRY_HEADER, partition_of},
};

use crate::{
    bad_requests::lost,
    kafka,
    schema_registry::{PASSWORD, SchemaRegistry, USER},
    server::{Ingest, NOW, start_with, tenants},
};

fn at(url: &str) -> RegistryConfig {
    RegistryConfig { url: format!("{url}/"), user: Some(USER.to_owned()), password: Some(PASSWORD.to_owned()) }
}

/// Whether each record of this tenant says that its id is the registry's.
fn marks(ingest: &Ingest) -> Vec<bool> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &ingest.kafka.brokers).set("group.id", "none").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let partition = partition_of(&ingest.tenant, ingest.kafka.partitions);
    let mut assigned = TopicPartitionList::new();
    assigned.add_partition_offset(EVENTS_TOPIC, partition, Offset::Beginning).unwrap();
    consumer.assign(&assigned).unwrap();
    let within = std::time::Duration::from_secs(10);
    let (_, end) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, within).unwrap();
    let mut marks = Vec::new();
    for _ in 0..end {
        let message = consumer.poll(within).unwrap().unwrap();
        if message.key() == Some(ingest.tenant.as_bytes()) {
            marks.push(message.headers().is_some_and(|headers| headers.iter().any(|header| header.key == REGISTRY_HEADER)));
        }
    }
    marks
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_registered_and_records_carry_the_registrys_ids() {
    let Some(kafka) = kafka::shared() else { return };
    let (registry, url) = SchemaRegistry::start(7).await;
    // Somebody else's, so that no id is the lock file's by chance.
    registry.add("orders-value", json!({ "type": "string" }));
    let clock = || Clock::from_fn(|| NOW);
    let before = start_with(kafka.config(), RegistryConfig::default(), "registered", Config::default(), clock()).await;
    assert_eq!(before.post_json(&lost("by the lock")).await.0, 200);
    before.stop().await;
    for start in 1..=2 {
        let ingest = start_with(kafka.config(), at(&url), "registered", Config::default(), clock()).await;
        assert_eq!(registry.subjects().len(), schemas().len() + 1, "start {start} registers each once");
        assert_eq!(ingest.post_json(&lost(&format!("start {start}"))).await.0, 200);
        assert_eq!(ingest.get("/subjects").await.0, 404, "the registry is where readers ask");
        let records = ingest.records(EVENTS_TOPIC).await;
        let (id, _) = unframe(records.last().unwrap()).unwrap();
        assert_eq!(registry.subjects()[&id], "deal.lost");
        let told: serde_json::Value = reqwest::Client::new()
            .get(format!("{url}/schemas/ids/{id}"))
            .basic_auth(USER, Some(PASSWORD))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let event = decode_with(records.last().unwrap(), |_| schema_by_text(told["schema"].as_str().unwrap())).unwrap();
        assert_eq!((event.data.event_type(), event.envelope.event_id), (EventType::DealLost, format!("start {start}")));
        if start == 2 {
            assert_eq!(marks(&ingest), [false, true, true], "a reader can tell whose ids they are");
        }
        ingest.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_cannot_be_used_stops_the_start() {
    let Some(kafka) = kafka::shared() else { return };
    let attempt = async |registry: RegistryConfig| {
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), start_timeout_ms: 800, ..Config::default() };
        bind(config, kafka.config(), registry, tenants(&["a"]).into(), Clock::system()).await.err().unwrap().to_string()
    };
    let (registry, url) = SchemaRegistry::start(1).await;
    let error = attempt(RegistryConfig { user: None, ..at(&url) }).await;
    assert!(error.contains("401") && error.contains("user and password in [registry]"), "{error}");
    assert!(registry.subjects().is_empty());
    registry.add("deal.won", json!({ "type": "record", "name": "theirs", "fields": [] }));
    let error = attempt(at(&url)).await;
    assert!(error.contains("refuses version 1 of deal.won") && error.contains("somebody else's"), "{error}");
    let error = attempt(at(&format!("http://127.0.0.1:{}", kafka::free_port()))).await;
    assert!(error.contains("did not answer in time") && error.contains("is it running"), "{error}");
    for wrong in ["https://registry", "registry:8085", "nonsense"] {
        let error = attempt(at(wrong)).await;
        assert!(error.contains("it is an address like http://"), "{error}");
    }
}
