//! The consumer: joins the group, and starts each partition where its state left off rather than where the group was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, StreamConsumer},
    types::RDKafkaRespErr,
};
use tidemark_schemas::{
    connect::KafkaConfig,
    log::{DEAD_TOPIC, EVENTS_TOPIC},
};
use tokio::sync::watch;

use crate::{Config, Error};

/// Longest wait for an answer of Kafka to a question about the topic.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Longest wait until reading goes on elsewhere.
const SOUGHT_WITHIN: Duration = Duration::from_secs(2);

/// The next offset of each partition as its state knows it, and whether it is ours to read.
pub struct Offsets {
    next: Vec<AtomicI64>,
    /// Where each partition's log ended when it was last looked at.
    ends: Vec<AtomicI64>,
    /// Whether the group gave the partition to this process.
    assigned: Vec<AtomicBool>,
    /// How often it did; a worker looks at the world anew after each time.
    assignments: Vec<watch::Sender<u64>>,
}

impl Offsets {
    /// The states' next offsets, by partition.
    #[must_use]
    pub fn new(next: &[i64], ends: &[i64]) -> Self {
        Self {
            ends: ends.iter().copied().map(AtomicI64::new).collect(),
            next: next.iter().copied().map(AtomicI64::new).collect(),
            assigned: next.iter().map(|_| AtomicBool::new(false)).collect(),
            assignments: next.iter().map(|_| watch::Sender::new(0)).collect(),
        }
    }

    /// A batch was committed.
    pub fn committed(&self, partition: i32, next_offset: i64) {
        if let Some(next) = slot(&self.next, partition) {
            next.store(next_offset, Ordering::Release);
        }
    }

    /// The next offset of a partition.
    #[must_use]
    pub fn next(&self, partition: i32) -> i64 {
        slot(&self.next, partition).map_or(0, |next| next.load(Ordering::Acquire))
    }

    /// The log of a partition was looked at.
    pub fn ended(&self, partition: i32, end_offset: i64) {
        if let Some(end) = slot(&self.ends, partition) {
            end.store(end_offset, Ordering::Release);
        }
    }

    /// How many records of all partitions are read, of how many.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        let sum = |offsets: &[AtomicI64]| offsets.iter().map(|offset| offset.load(Ordering::Acquire)).sum::<i64>();
        (u64::try_from(sum(&self.next)).unwrap_or(0), u64::try_from(sum(&self.ends)).unwrap_or(0))
    }

    /// Whether this process owns every partition.
    #[must_use]
    pub fn all_assigned(&self) -> bool {
        self.assigned().len() == self.next.len()
    }

    /// The partitions that this process owns.
    #[must_use]
    pub fn assigned(&self) -> Vec<i32> {
        let owned = self.assigned.iter().enumerate().filter(|(_, assigned)| assigned.load(Ordering::Acquire));
        owned.filter_map(|(partition, _)| i32::try_from(partition).ok()).collect()
    }

    fn is_assigned(&self, partition: i32) -> bool {
        slot(&self.assigned, partition).is_some_and(|assigned| assigned.load(Ordering::Acquire))
    }

    /// Changes whenever the group gives the partition to this process.
    #[must_use]
    pub fn assignments(&self, partition: i32) -> Option<watch::Receiver<u64>> {
        slot(&self.assignments, partition).map(watch::Sender::subscribe)
    }

    fn assign(&self, partition: i32, is_assigned: bool) {
        if let Some(assigned) = slot(&self.assigned, partition) {
            assigned.store(is_assigned, Ordering::Release);
        }
        if let (true, Some(assignments)) = (is_assigned, slot(&self.assignments, partition)) {
            assignments.send_modify(|times| *times += 1);
        }
    }
}

fn slot<T>(slots: &[T], partition: i32) -> Option<&T> {
    usize::try_from(partition).ok().and_then(|partition| slots.get(partition))
}

/// What the consumer does when partitions come and go.
pub struct Rebalancing {
    topic: &'static str,
    offsets: Arc<Offsets>,
}

impl ClientContext for Rebalancing {}

impl ConsumerContext for Rebalancing {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> =
            list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect();
        let assigns = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        tracing::info!(?partitions, assigns, "partitions come and go");
        for &partition in &partitions {
            // The state decides where to go on: the group's offset may be older or, after a lost state, newer.
            let placed = list.set_partition_offset(self.topic, partition, Offset::Offset(self.offsets.next(partition)));
            self.offsets.assign(partition, assigns && placed.is_ok());
        }
        let done = if assigns { consumer.incremental_assign(list) } else { consumer.incremental_unassign(list) };
        if let Err(error) = done {
            tracing::error!(%error, ?partitions, "the rebalance failed");
        }
    }
}

/// The consumer of one topic.
pub type Consumer = StreamConsumer<Rebalancing>;

/// What a consumer follows, and as whom.
pub struct Subscription {
    topic: &'static str,
    group: String,
    /// What becomes of an offset that is not there (any more).
    missing_offset: &'static str,
    /// How long the process may be busy with what it has; Kafka's default for none.
    busy_ms_max: Option<u32>,
}

impl Subscription {
    /// The log of events.
    #[must_use]
    pub fn events(config: &Config) -> Self {
        Self { topic: EVENTS_TOPIC, group: config.group.clone(), missing_offset: "error", busy_ms_max: None }
    }

    /// What was refused. While ClickHouse is away, nothing is read for as long as that takes.
    #[must_use]
    pub fn dead(config: &Config) -> Self {
        let group = format!("{}-dead", config.group);
        Self { topic: DEAD_TOPIC, group, missing_offset: "earliest", busy_ms_max: Some(86_400_000) }
    }
}

/// Connects and joins the group.
///
/// # Errors
/// Settings that Kafka's client refuses.
pub fn connect(
    config: &Config,
    kafka: &KafkaConfig,
    subscription: Subscription,
    offsets: Arc<Offsets>,
) -> Result<Consumer, Error> {
    let Subscription { topic, group, missing_offset, busy_ms_max } = subscription;
    let session_ms = config.session_timeout_ms;
    let mut client = ClientConfig::new();
    if let Some(most) = busy_ms_max {
        client.set("max.poll.interval.ms", most.to_string());
    }
    let consumer: Consumer = client
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", group)
        .set("group.instance.id", &config.instance)
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("session.timeout.ms", session_ms.to_string())
        .set("heartbeat.interval.ms", (session_ms / 4).to_string())
        .set("auto.offset.reset", missing_offset)
        .set("fetch.wait.max.ms", "20")
        .set("queued.max.messages.kbytes", "32768")
        .create_with_context(Rebalancing { topic, offsets })?;
    consumer.subscribe(&[topic])?;
    Ok(consumer)
}

/// Lets what is read of a partition of ours go on elsewhere. Where that fails, it is read as it was.
pub fn seek(consumer: &Consumer, partition: i32, next_offset: i64) {
    if !consumer.context().offsets.is_assigned(partition) {
        return;
    }
    if let Err(error) = consumer.seek(consumer.context().topic, partition, Offset::Offset(next_offset), SOUGHT_WITHIN) {
        tracing::warn!(%error, partition, next_offset, "Kafka does not skip what is known already");
    }
}

/// Tells the group how far a partition of ours is; only for those who look at the group, the state decides. Of one that was
/// taken away (this process was silent for too long) it would be the last word: Kafka's client ends with whom it is refused.
pub fn commit(consumer: &Consumer, partition: i32, next_offset: i64) {
    if !consumer.context().offsets.is_assigned(partition) {
        return;
    }
    let mut list = TopicPartitionList::new();
    let stored = list.add_partition_offset(consumer.context().topic, partition, Offset::Offset(next_offset));
    if let Err(error) = stored.and_then(|()| consumer.commit(&list, CommitMode::Async)) {
        tracing::warn!(%error, partition, "the group offset was not committed");
    }
}
