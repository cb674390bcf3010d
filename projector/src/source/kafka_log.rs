//! Looks at the log in Kafka: its ends, and single records of it. Reads no numbers from it; that is the consumer's.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use tidemark_schemas::{connect::KafkaConfig, log::EVENTS_TOPIC};

use super::{
    consumer::ANSWER_WITHIN,
    log::{Log, LogView},
};
use crate::{Error, pipeline::record_hash};

/// How long a record is waited for before Kafka counts as silent.
const RECORD_WITHIN: Duration = Duration::from_secs(5);
const POLL_WITHIN: Duration = Duration::from_millis(100);

/// `crm.events`, for looking at.
pub struct KafkaLog {
    cluster: String,
    partitions: i32,
    /// One look at a time.
    consumer: Arc<Mutex<BaseConsumer>>,
}

impl KafkaLog {
    /// Connects. Blocks.
    ///
    /// # Errors
    /// Kafka does not answer, or the topic has another number of partitions than configured.
    pub fn connect(kafka: &KafkaConfig) -> Result<Self, Error> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &kafka.brokers)
            .set("group.id", "tidemark-looking")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "20")
            .create()?;
        let metadata = consumer.fetch_metadata(Some(EVENTS_TOPIC), ANSWER_WITHIN)?;
        let found = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        if found == 0 {
            return Err(silent(format!("there is no topic {EVENTS_TOPIC} yet; ingest makes it")));
        }
        if i32::try_from(found).ok() != Some(kafka.partitions) {
            return Err(Error::Invalid(format!(
                "{EVENTS_TOPIC} has {found} partitions, kafka.partitions says {}: the count belongs to the log, set it to {found}",
                kafka.partitions
            )));
        }
        let cluster = consumer.client().fetch_cluster_id(ANSWER_WITHIN);
        let cluster = cluster.ok_or_else(|| silent("it did not say which cluster it is".to_owned()))?;
        Ok(Self { cluster, partitions: kafka.partitions, consumer: Arc::new(Mutex::new(consumer)) })
    }

    /// The cluster that the log is in.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }
}

impl Log for KafkaLog {
    fn partitions(&self) -> i32 {
        self.partitions
    }

    fn look<'a>(&'a self, partition: i32, offsets: &'a [i64]) -> BoxFuture<'a, Result<LogView, Error>> {
        let (consumer, offsets) = (self.consumer.clone(), offsets.to_vec());
        Box::pin(async move {
            let look = move || view(&consumer.lock().unwrap_or_else(PoisonError::into_inner), partition, &offsets);
            let looked = tokio::task::spawn_blocking(look).await;
            let (low, high, hashes) = looked.map_err(|error| Error::Internal(error.to_string()))??;
            Ok(LogView { cluster: self.cluster.clone(), low, high, hashes })
        })
    }
}

/// The ends of a partition, and the hashes of those records that it holds.
fn view(consumer: &BaseConsumer, partition: i32, offsets: &[i64]) -> Result<(i64, i64, BTreeMap<i64, u64>), Error> {
    let (low, high) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?;
    let there = offsets.iter().filter(|offset| (low..high).contains(offset));
    let hashes = there.map(|offset| Ok((*offset, hash_at(consumer, partition, *offset)?))).collect::<Result<_, Error>>()?;
    Ok((low, high, hashes))
}

fn hash_at(consumer: &BaseConsumer, partition: i32, offset: i64) -> Result<u64, Error> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(EVENTS_TOPIC, partition, Offset::Offset(offset))?;
    consumer.assign(&list)?;
    let asked = Instant::now();
    while asked.elapsed() < RECORD_WITHIN {
        // Errors are passed over: those of connections lost long ago wait here before the record.
        let Some(Ok(message)) = consumer.poll(POLL_WITHIN) else { continue };
        if (message.partition(), message.offset()) == (partition, offset) {
            return Ok(record_hash(message.payload().unwrap_or_default()));
        }
    }
    Err(silent(format!("the record at offset {offset} of {EVENTS_TOPIC} partition {partition} did not arrive")))
}

fn silent(reason: String) -> Error {
    Error::Unavailable { system: "Kafka", reason }
}
