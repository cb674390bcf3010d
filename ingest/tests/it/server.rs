//! Ingest itself, listening on a free port with two tenants, its clock at a fixed instant.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidemark_ingest::{Clock, Config, Error, bind};
use tidemark_schemas::{
    connect::{KafkaConfig, RegistryConfig},
    log::partition_of,
    tenant::{Access, ApiKey, Tenant, Tenants},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// 2026-03-10T00:00:00Z.
pub const NOW: i64 = 1_773_100_800_000;

pub struct Ingest {
    pub url: String,
    pub key: String,
    pub tenant: String,
    pub kafka: KafkaConfig,
    shutdown: CancellationToken,
    served: JoinHandle<Result<(), Error>>,
}

/// A tenant of that name, in Shanghai, whose key is `key-of-NAME`.
pub fn tenants(names: &[&str]) -> Tenants {
    let mut tenants = Tenants::default();
    for name in names {
        let sha256 = hex::encode(Sha256::digest(format!("key-of-{name}")));
        let keys = vec![ApiKey { sha256, source: "crm".to_owned(), scram: None }];
        let tenant =
            Tenant { time_zone: chrono_tz::Asia::Shanghai, currency: "CNY".to_owned(), pipeline: "default".to_owned(), keys };
        tenants.add(name, tenant).unwrap();
    }
    tenants
}

/// What that tenant's key stands for.
pub fn access(name: &str) -> Access {
    let hash = hex::encode(Sha256::digest(format!("key-of-{name}")));
    tenants(&[name]).by_key_hash(&hash).unwrap().clone()
}

pub async fn start(kafka: KafkaConfig, tenant: &str, config: Config) -> Ingest {
    start_at(kafka, tenant, config, Clock::from_fn(|| NOW)).await
}

pub async fn start_at(kafka: KafkaConfig, tenant: &str, config: Config, clock: Clock) -> Ingest {
    start_with(kafka, RegistryConfig::default(), tenant, config, clock).await
}

pub async fn start_with(kafka: KafkaConfig, registry: RegistryConfig, tenant: &str, config: Config, clock: Clock) -> Ingest {
    let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..config };
    let server = bind(config, kafka.clone(), registry, Arc::new(tenants(&[tenant, "other"])), clock).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    let shutdown = CancellationToken::new();
    let served = tokio::spawn(server.serve(shutdown.clone()));
    Ingest { url, key: format!("key-of-{tenant}"), tenant: tenant.to_owned(), kafka, shutdown, served }
}

impl Ingest {
    pub fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = reqwest::Client::new().post(format!("{}/v1/events", self.url));
        request.bearer_auth(&self.key).header("content-type", content_type).body(body)
    }

    pub async fn post_json(&self, body: &Value) -> (u16, Value) {
        answer(self.post("application/json", body.to_string()).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub async fn get_with_key(&self, path: &str) -> (u16, Value) {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        answer(request.send().await.unwrap()).await
    }

    /// The values of this tenant's records in a topic, in the order of the log.
    pub async fn records(&self, topic: &'static str) -> Vec<Vec<u8>> {
        let (kafka, tenant) = (self.kafka.clone(), self.tenant.clone());
        tokio::task::spawn_blocking(move || read_all(&kafka, topic, &tenant)).await.unwrap()
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.served.await.unwrap().unwrap();
    }
}

pub async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

fn read_all(kafka: &KafkaConfig, topic: &str, tenant: &str) -> Vec<Vec<u8>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers).set("group.id", "none").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let partition = partition_of(tenant, kafka.partitions);
    let (_, end) = consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).unwrap();
    let mut assigned = TopicPartitionList::new();
    assigned.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    consumer.assign(&assigned).unwrap();
    let (mut values, mut next) = (Vec::new(), 0);
    while next < end {
        let message = consumer.poll(Duration::from_secs(10)).expect("a record before the end of the partition").unwrap();
        next = message.offset() + 1;
        if message.key() == Some(tenant.as_bytes()) {
            values.push(message.payload().unwrap_or_default().to_vec());
        }
    }
    values
}
