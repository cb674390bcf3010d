//! The producer: idempotent, acks from every in-sync copy, partitions as Java clients choose them, a bounded queue.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer, future_producer::DeliveryFuture},
};
use tidemark_schemas::{
    connect::KafkaConfig,
    log::{EVENTS_TOPIC, Position},
};
use tokio::sync::watch;

use super::{
    batch::{Batch, Outgoing},
    topics::dead_letter_bytes_max,
};
use crate::{Config, Error};

/// Why a batch is not known to be in Kafka. A part of it may be, which a retry makes a duplicate.
#[derive(Debug)]
pub(crate) enum PublishError {
    /// More is waiting for Kafka than may.
    QueueFull,
    /// Kafka did not acknowledge in time, or refused.
    NotAcknowledged(String),
}

/// Writes to the log.
#[derive(Clone)]
pub(crate) struct Log {
    producer: FutureProducer,
    /// Set once the producer can no longer keep its promise; the service then ends.
    fatal: watch::Sender<Option<String>>,
}

impl Log {
    pub(crate) fn connect(kafka: &KafkaConfig, config: &Config) -> Result<Self, Error> {
        let producer = client_config(kafka)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("linger.ms", "2")
            .set("message.timeout.ms", config.publish_timeout_ms.to_string())
            .set("message.max.bytes", dead_letter_bytes_max(config).to_string())
            .set("queue.buffering.max.messages", config.publish_queue_records_max.to_string())
            .set("queue.buffering.max.kbytes", queue_kbytes_max(config).to_string())
            .create()
            .map_err(|source| Error::Kafka { doing: "connecting the producer", source })?;
        Ok(Self { producer, fatal: watch::Sender::new(None) })
    }

    /// Queues every record in order, then waits until Kafka has them all; the highest position of an event.
    /// Events carry these headers.
    pub(crate) async fn publish(&self, batch: &Batch, headers: &[(&str, &str)]) -> Result<Option<Position>, PublishError> {
        let mut waiting = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            waiting.push((record.topic, self.queue(&batch.tenant, record, headers)?));
        }
        let mut highest = BTreeMap::new();
        for (topic, delivery) in waiting {
            let delivered = delivery.await.map_err(|_| PublishError::NotAcknowledged("the producer stopped".to_owned()))?;
            let delivered = delivered.map_err(|(error, _)| self.failed(&error))?;
            let position = Position { partition: delivered.partition, offset: delivered.offset };
            highest.entry(topic).and_modify(|known: &mut Position| *known = position.max(*known)).or_insert(position);
        }
        Ok(highest.remove(EVENTS_TOPIC))
    }

    fn queue(&self, tenant: &str, record: &Outgoing, headers: &[(&str, &str)]) -> Result<DeliveryFuture, PublishError> {
        let mut outgoing = FutureRecord::to(record.topic).key(tenant).payload(&record.value);
        let letter = record.id.as_ref().map(|id| ("id", id.as_str()));
        let headers = if letter.is_some() { letter.as_slice() } else { headers };
        if !headers.is_empty() {
            let written = OwnedHeaders::new_with_capacity(headers.len());
            let add = |written: OwnedHeaders, (key, value): &(&str, &str)| written.insert(Header { key, value: Some(*value) });
            outgoing = outgoing.headers(headers.iter().fold(written, add));
        }
        self.producer.send_result(outgoing).map_err(|(error, _)| match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => PublishError::QueueFull,
            other => self.failed(&other),
        })
    }

    fn failed(&self, error: &KafkaError) -> PublishError {
        if let Some((_, reason)) = self.producer.client().fatal_error() {
            self.fatal.send_replace(Some(reason));
        }
        PublishError::NotAcknowledged(error.to_string())
    }

    /// Resolves when the producer has failed for good, with the reason.
    pub(crate) async fn failed_for_good(&self) -> String {
        let mut fatal = self.fatal.subscribe();
        let reason = fatal.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Waits for what is queued. Whoever waited for it has been answered or has gone.
    pub(crate) async fn flush(&self, most: Duration) {
        let producer = self.producer.clone();
        let flushed = tokio::task::spawn_blocking(move || producer.flush(most)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("records that were never acknowledged are left behind: Kafka did not take them in time");
        }
    }

    pub(crate) fn producer(&self) -> &FutureProducer {
        &self.producer
    }
}

/// What every client of ours has in common.
pub(crate) fn client_config(kafka: &KafkaConfig) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &kafka.brokers).set("client.id", "tidemark-ingest");
    config
}

/// Bodies in flight are bounded already; encoded and with their dead letters they are at most about twice as large.
fn queue_kbytes_max(config: &Config) -> usize {
    (config.in_flight_bytes_max / 512).clamp(1_024, 2_097_151)
}
