//! Log and sink identity: whether the log, the state and ClickHouse tell the same story. Where they do not, either the
//! state is dropped and the log read again, or the projector stops with a clear message. Never wrong numbers.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use tidemark_schemas::{connect::KafkaConfig, log::EVENTS_TOPIC};

use super::consumer::ANSWER_WITHIN;
use crate::{
    Error,
    pipeline::{Mark, Watermark},
};

/// One partition of the log as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnds {
    /// First offset.
    pub low: i64,
    /// Offset after the last.
    pub high: i64,
    /// Cluster and first record; only the cluster while there is no record.
    pub log_id: String,
}

impl LogEnds {
    /// The cluster that the log is in.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.log_id.split_once('/').map_or(&self.log_id, |(cluster, _)| cluster)
    }
}

/// Looks at every partition of the topic. Blocks.
///
/// # Errors
/// Kafka does not answer, or the topic has another number of partitions than configured.
pub fn log_ends(kafka: &KafkaConfig) -> Result<Vec<LogEnds>, Error> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", "tidemark-looking")
        .set("enable.auto.commit", "false")
        .create()?;
    let metadata = consumer.fetch_metadata(Some(EVENTS_TOPIC), ANSWER_WITHIN)?;
    let found = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    if found == 0 {
        return Err(Error::Unavailable {
            system: "Kafka",
            reason: format!("there is no topic {EVENTS_TOPIC} yet; ingest makes it"),
        });
    }
    if i32::try_from(found).ok() != Some(kafka.partitions) {
        return Err(Error::Invalid(format!(
            "{EVENTS_TOPIC} has {found} partitions, kafka.partitions says {}: the count belongs to the log, set it to {found}",
            kafka.partitions
        )));
    }
    // A log without its cluster would pass for another log.
    let cluster = consumer
        .client()
        .fetch_cluster_id(ANSWER_WITHIN)
        .ok_or_else(|| Error::Unavailable { system: "Kafka", reason: "it does not say which cluster it is".to_owned() })?;
    (0..kafka.partitions).map(|partition| ends(&consumer, &cluster, partition)).collect()
}

fn ends(consumer: &BaseConsumer, cluster: &str, partition: i32) -> Result<LogEnds, Error> {
    let (low, high) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?;
    let first = if low == 0 && high > 0 { Some(first_record(consumer, partition)?) } else { None };
    let log_id = first.map_or_else(|| cluster.to_owned(), |hash| log_id(cluster, hash));
    Ok(LogEnds { low, high, log_id })
}

/// The name of a log that begins with that record.
#[must_use]
pub fn log_id(cluster: &str, first_record_hash: u64) -> String {
    format!("{cluster}/{first_record_hash:016x}")
}

fn first_record(consumer: &BaseConsumer, partition: i32) -> Result<u64, Error> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(EVENTS_TOPIC, partition, Offset::Beginning)?;
    consumer.assign(&list)?;
    for _ in 0..50 {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            return Ok(xxhash_rust::xxh3::xxh3_64(message?.payload().unwrap_or_default()));
        }
    }
    Err(Error::Unavailable {
        system: "Kafka",
        reason: format!("the first record of {EVENTS_TOPIC} partition {partition} did not arrive"),
    })
}

/// Holds a partition's state and ClickHouse's watermark against the log; true when the state must be dropped.
///
/// # Errors
/// [`Error::LogReplaced`]: the numbers come from another log, or from one that had more records.
pub fn check(partition: i32, mark: &Mark, sink: Option<&Watermark>, log: &LogEnds) -> Result<bool, Error> {
    let replaced = |what: &str| {
        Error::LogReplaced(format!(
            "crm.events partition {partition}: {what}. The numbers in ClickHouse do not belong to this log: connect the Kafka they \
             were made from, or start with an empty ClickHouse database and an empty state directory"
        ))
    };
    if log.low > 0 {
        return Err(replaced(&format!("the log begins at offset {}, older records were deleted", log.low)));
    }
    let numbers_to = mark.next_offset.max(sink.map_or(0, |watermark| watermark.to + 1));
    if numbers_to > log.high {
        return Err(replaced(&format!("the log ends at offset {}, but {numbers_to} records were read from it before", log.high)));
    }
    let ids = [mark.log_id.as_str(), sink.map_or("", |watermark| watermark.log_id.as_str())];
    if numbers_to > 0 && ids.iter().any(|id| !id.is_empty() && *id != log.log_id) {
        return Err(replaced("it was replaced by another log"));
    }
    // The sink may be ahead (it was written before a crash), never behind: then it lost rows that the state thinks are written.
    Ok(mark.next_offset > 0 && sink.is_none_or(|watermark| watermark.to + 1 < mark.next_offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(next_offset: i64, log_id: &str) -> Mark {
        Mark { next_offset, known_at: 0, log_id: log_id.to_owned() }
    }

    fn watermark(to: i64, log_id: &str) -> Watermark {
        Watermark { partition: 0, from: 0, to, record_hash: 0, log_id: log_id.to_owned() }
    }

    fn log(low: i64, high: i64, log_id: &str) -> LogEnds {
        LogEnds { low, high, log_id: log_id.to_owned() }
    }

    #[test]
    fn a_state_is_dropped_only_when_the_sink_is_behind_it() {
        let log = log(0, 10, "a");
        assert!(!check(0, &mark(0, ""), None, &log).unwrap());
        assert!(!check(0, &mark(5, "a"), Some(&watermark(4, "a")), &log).unwrap());
        assert!(!check(0, &mark(5, "a"), Some(&watermark(9, "a")), &log).unwrap());
        assert!(check(0, &mark(5, "a"), Some(&watermark(3, "a")), &log).unwrap());
        assert!(check(0, &mark(5, "a"), None, &log).unwrap());
    }

    #[test]
    fn another_or_a_shorter_log_stops() {
        for (mark, sink, log) in [
            (mark(5, "a"), None, log(0, 10, "b")),
            (mark(5, "a"), None, log(0, 4, "a")),
            (mark(5, "a"), None, log(2, 10, "a")),
            (mark(0, ""), Some(watermark(4, "a")), log(0, 10, "b")),
            (mark(0, ""), Some(watermark(4, "a")), log(0, 3, "a")),
        ] {
            assert!(matches!(check(0, &mark, sink.as_ref(), &log), Err(Error::LogReplaced(_))), "{mark:?} {sink:?} {log:?}");
        }
    }
}
