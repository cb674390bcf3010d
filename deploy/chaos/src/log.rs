//! The log as it is: every record of `crm.events`, read beside the product by a consumer of our own. It decides what is true.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
};
use tidemark_schemas::{events::wire, log::EVENTS_TOPIC};
use tidemark_verify::LogRecord;
use tokio::time::{Instant, sleep};

use crate::campaign::PARTITIONS;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Everything read so far.
#[derive(Default)]
pub struct Log {
    read: RwLock<Read>,
}

#[derive(Default)]
struct Read {
    /// When each record was appended, by partition and offset.
    appended_at: HashMap<i32, Vec<i64>>,
    /// Each company's records in order.
    records: HashMap<String, Vec<Record>>,
}

struct Record {
    position: i64,
    known_at: i64,
    value: Box<[u8]>,
}

impl Log {
    /// Reads until the end of the program.
    pub async fn follow(self: Arc<Self>, brokers: String) -> Result<()> {
        let consumer = connect(&brokers)?;
        let mut partitions = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(EVENTS_TOPIC, partition, Offset::Beginning)?;
        }
        consumer.assign(&partitions)?;
        loop {
            // Kafka comes and goes, which its client reports and repairs.
            let Ok(message) = consumer.recv().await else { continue };
            let key = message.key().and_then(|key| std::str::from_utf8(key).ok()).context("a record without a company")?;
            let known_at = message.timestamp().to_millis().unwrap_or_default();
            let value = message.payload().unwrap_or_default().into();
            self.add(message.partition(), key, Record { position: message.offset(), known_at, value })?;
        }
    }

    fn add(&self, partition: i32, company: &str, record: Record) -> Result<()> {
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        let appended_at = read.appended_at.entry(partition).or_default();
        let (offset, expected) = (record.position, appended_at.len() as i64);
        ensure!(offset == expected, "the log's partition {partition} goes from offset {expected} to {offset}");
        appended_at.push(record.known_at);
        match read.records.get_mut(company) {
            Some(records) => records.push(record),
            None => {
                read.records.insert(company.to_owned(), vec![record]);
            }
        }
        Ok(())
    }

    /// When the record at a place was appended, milliseconds since 1970; none where there is none yet.
    pub fn appended_at(&self, partition: i32, offset: i64) -> Option<i64> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        read.appended_at.get(&partition)?.get(usize::try_from(offset).ok()?).copied()
    }

    /// Records read of a partition.
    pub fn end(&self, partition: i32) -> i64 {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        read.appended_at.get(&partition).map_or(0, |records| records.len() as i64)
    }

    /// Waits until a partition was read up to and with an offset.
    pub async fn reached(&self, partition: i32, offset: i64) {
        while self.end(partition) <= offset {
            sleep(LOOK_EVERY).await;
        }
    }

    /// How many of a company's records lie at or before a position.
    pub fn count(&self, company: &str, position: i64) -> usize {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        read.records.get(company).map_or(0, |records| records.partition_point(|record| record.position <= position))
    }

    /// A company's first records.
    pub fn records(&self, company: &str, count: usize) -> Result<Vec<LogRecord>> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let records = read.records.get(company).map_or(&[][..], Vec::as_slice);
        let decoded = |record: &Record| {
            let event = wire::decode(&record.value)?;
            Ok(LogRecord { position: record.position, known_at: record.known_at, event })
        };
        records.iter().take(count).map(decoded).collect()
    }

    /// Waits until everything is read that Kafka has; records in all.
    pub async fn complete(&self, brokers: &str, within: Duration) -> Result<i64> {
        let deadline = Instant::now() + within;
        let consumer = Arc::new(connect(brokers)?);
        let mut all = 0;
        for partition in 0..PARTITIONS {
            let high = loop {
                let asked = consumer.clone();
                let ends = move || asked.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN);
                match tokio::task::spawn_blocking(ends).await? {
                    Ok((_, high)) => break high,
                    Err(error) => ensure!(Instant::now() < deadline, "Kafka does not answer: {error}"),
                }
            };
            tokio::time::timeout_at(deadline, self.reached(partition, high - 1)).await.context("the log cannot be read")?;
            all += high;
        }
        Ok(all)
    }
}

fn connect(brokers: &str) -> Result<StreamConsumer> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "tidemark-chaos").set("enable.auto.commit", "false");
    config.set("auto.offset.reset", "earliest").set("fetch.wait.max.ms", "20");
    // It says everything that the broker suffers.
    Ok(config.set("log_level", "0").create()?)
}
