//! Reading a stretch of one partition of `crm.dead`, with an end in sight: never waits for what is still to come.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tidemark_schemas::{
    connect::KafkaConfig,
    log::{DEAD_TOPIC, partition_of},
};

use crate::publish::client_config;

/// Longest wait for one answer of Kafka's.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Pause before Kafka is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// What Kafka's client may hold that was not looked at yet; one letter may be larger.
const QUEUE_KBYTES_MAX: &str = "16384";

/// Why a stretch was not read to its end.
#[derive(Debug)]
pub(crate) enum ScanError {
    /// The deadline passed.
    TooLong,
    Kafka(KafkaError),
}

impl From<KafkaError> for ScanError {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

/// A partition that is new or moves to another broker is back in a moment.
fn is_passing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition
    )
}

/// A reader of the partition that a tenant's dead letters are in.
pub(super) struct Partition<'a> {
    consumer: BaseConsumer,
    partition: i32,
    tenant: &'a str,
    deadline: Instant,
}

impl<'a> Partition<'a> {
    pub(super) fn open(kafka: &KafkaConfig, tenant: &'a str, deadline: Instant) -> Result<Self, ScanError> {
        // Kafka's client wants a group even where nothing is ever committed.
        let consumer = client_config(kafka)
            .set("group.id", "tidemark-ingest-dead")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50")
            .set("queued.max.messages.kbytes", QUEUE_KBYTES_MAX)
            .create()?;
        Ok(Self { consumer, partition: partition_of(tenant, kafka.partitions), tenant, deadline })
    }

    /// From the oldest record to the next to come.
    pub(super) fn bounds(&self) -> Result<Range<i64>, ScanError> {
        let started = Instant::now();
        loop {
            match self.consumer.fetch_watermarks(DEAD_TOPIC, self.partition, ANSWER_MAX) {
                Ok((low, high)) => return Ok(low..high),
                Err(KafkaError::MetadataFetch(code)) if is_passing(code) && started.elapsed() < ANSWER_MAX => {
                    std::thread::sleep(RETRY_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Shows the tenant's records of a stretch, in order.
    pub(super) fn read(&self, stretch: Range<i64>, mut visit: impl FnMut(&BorrowedMessage<'_>)) -> Result<(), ScanError> {
        if stretch.is_empty() {
            return Ok(());
        }
        let mut assigned = TopicPartitionList::new();
        assigned.add_partition_offset(DEAD_TOPIC, self.partition, Offset::Offset(stretch.start))?;
        self.consumer.assign(&assigned)?;
        loop {
            let left = self.deadline.checked_duration_since(Instant::now()).ok_or(ScanError::TooLong)?;
            match self.consumer.poll(left.min(ANSWER_MAX)) {
                Some(Ok(record)) => {
                    if record.offset() < stretch.end && record.key() == Some(self.tenant.as_bytes()) {
                        visit(&record);
                    }
                    if record.offset() + 1 >= stretch.end {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                // Kafka's client goes on by itself; the deadline ends it.
                Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::AllBrokersDown | RDKafkaErrorCode::BrokerTransportFailure,
                )))
                | None => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
}
