//! The log's topics: created when missing, refused when they contradict the configuration, reported as they are.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    metadata::Metadata,
    producer::Producer,
};
use serde::Serialize;
use tidemark_schemas::{
    connect::KafkaConfig,
    log::{ALERTS_TOPIC, CHANGES_TOPIC, DEAD_TOPIC, EVENTS_TOPIC},
};

use super::log::{Log, client_config};
use crate::{Config, Error};

const TOPICS: [&str; 4] = [EVENTS_TOPIC, DEAD_TOPIC, CHANGES_TOPIC, ALERTS_TOPIC];
/// A dead letter is a body in text or hex, and its reasons.
const DEAD_LETTER_OVERHEAD_BYTES: usize = 128 << 10;
/// What `crm.dead` takes when it is created here, so that `body_bytes_max` may grow later.
const DEAD_TOPIC_BYTES_MIN: usize = 64 << 20;
/// Pause between two attempts to reach Kafka at start.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Largest dead letter: hex doubles the body.
pub(super) fn dead_letter_bytes_max(config: &Config) -> usize {
    2 * config.body_bytes_max + DEAD_LETTER_OVERHEAD_BYTES
}

/// A topic as it is in Kafka.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TopicReport {
    pub(crate) name: &'static str,
    pub(crate) partitions: usize,
    /// Copies that Kafka keeps.
    pub(crate) replication: usize,
    /// Copies that a record is on before it is acknowledged.
    pub(crate) min_insync: usize,
}

impl TopicReport {
    /// Copies that an acknowledged record is sure to be on.
    pub(crate) fn copies(&self) -> usize {
        self.replication.min(self.min_insync)
    }
}

/// Makes the topics that are missing and reads how all of them are; waits for Kafka as long as a start may.
///
/// # Errors
/// Kafka unreachable, or a topic with another number of partitions than configured.
pub(crate) async fn ensure(log: &Log, kafka: &KafkaConfig, config: &Config) -> Result<Vec<TopicReport>, Error> {
    let started = Instant::now();
    let most = Duration::from_millis(config.start_timeout_ms);
    loop {
        match attempt(log, kafka, config).await {
            Err(Error::Kafka { doing, source }) if started.elapsed() < most => {
                tracing::debug!(doing, %source, "Kafka is not ready yet");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            Err(Error::Kafka { doing, source }) => {
                let (brokers, waited_ms) = (kafka.brokers.clone(), config.start_timeout_ms);
                return Err(Error::KafkaUnreachable { brokers, waited_ms, reason: format!("{doing}: {source}") });
            }
            done => return done,
        }
    }
}

async fn attempt(log: &Log, kafka: &KafkaConfig, config: &Config) -> Result<Vec<TopicReport>, Error> {
    let admin: AdminClient<DefaultClientContext> =
        client_config(kafka).create().map_err(|source| Error::Kafka { doing: "connecting", source })?;
    let known = metadata(log, Duration::from_secs(2)).await?;
    create_missing(&admin, &known, kafka, config).await?;
    let known = metadata(log, Duration::from_secs(2)).await?;
    let specifiers = TOPICS.map(ResourceSpecifier::Topic);
    let configs = admin
        .describe_configs(&specifiers, &options())
        .await
        .map_err(|source| Error::Kafka { doing: "reading the topics' settings", source })?;
    TOPICS.iter().zip(configs).map(|(topic, settings)| report(topic, &known, settings.ok(), kafka, config)).collect()
}

/// What Kafka says about its brokers and topics.
pub(crate) async fn metadata(log: &Log, most: Duration) -> Result<Metadata, Error> {
    let producer = log.producer().clone();
    let fetched = tokio::task::spawn_blocking(move || producer.client().fetch_metadata(None, most)).await;
    fetched
        .map_err(|_| KafkaError::Canceled)
        .and_then(|metadata| metadata)
        .map_err(|source| Error::Kafka { doing: "asking for the topics", source })
}

async fn create_missing(
    admin: &AdminClient<DefaultClientContext>,
    known: &Metadata,
    kafka: &KafkaConfig,
    config: &Config,
) -> Result<(), Error> {
    let dead_letter_bytes_max = dead_letter_bytes_max(config).max(DEAD_TOPIC_BYTES_MIN).to_string();
    // Two of three copies must have a record before it counts, so that one may fail.
    let min_insync = if kafka.replication >= 3 { "2" } else { "1" };
    let missing = TOPICS.iter().filter(|topic| known.topics().iter().all(|found| found.name() != **topic));
    let wanted: Vec<NewTopic<'_>> = missing
        .map(|topic| {
            let new = NewTopic::new(topic, kafka.partitions, TopicReplication::Fixed(kafka.replication))
                .set("retention.ms", "-1")
                .set("retention.bytes", "-1")
                .set("message.timestamp.type", "LogAppendTime")
                .set("min.insync.replicas", min_insync);
            if *topic == DEAD_TOPIC { new.set("max.message.bytes", &dead_letter_bytes_max) } else { new }
        })
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let created = admin.create_topics(&wanted, &options()).await;
    for outcome in created.map_err(|source| Error::Kafka { doing: "creating the topics", source })? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(Error::Kafka { doing: "creating a topic", source: KafkaError::AdminOp(code) }),
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    let most = Some(Duration::from_secs(10));
    AdminOptions::new().request_timeout(most).operation_timeout(most)
}

fn report(
    topic: &'static str,
    known: &Metadata,
    settings: Option<ConfigResource>,
    kafka: &KafkaConfig,
    config: &Config,
) -> Result<TopicReport, Error> {
    let not_yet = || Error::Kafka {
        doing: "waiting for a new topic",
        source: KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition),
    };
    let found = known.topics().iter().find(|found| found.name() == topic).filter(|found| !found.partitions().is_empty());
    let partitions = found.ok_or_else(not_yet)?.partitions();
    if i32::try_from(partitions.len()) != Ok(kafka.partitions) {
        return Err(Error::Partitions { topic: topic.to_owned(), found: partitions.len(), configured: kafka.partitions });
    }
    let number = |name| settings.as_ref().and_then(|settings| settings.get(name)?.value.as_ref()?.parse::<usize>().ok());
    let (needed, found) = (dead_letter_bytes_max(config), number("max.message.bytes").unwrap_or(usize::MAX));
    if topic == DEAD_TOPIC && found < needed {
        return Err(Error::DeadLetterBytes { found, needed });
    }
    Ok(TopicReport {
        name: topic,
        partitions: partitions.len(),
        replication: partitions.iter().map(|partition| partition.replicas().len()).min().unwrap_or(0),
        min_insync: number("min.insync.replicas").unwrap_or(1),
    })
}
