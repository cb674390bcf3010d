//! Following: records in small batches, each written before it is committed; and regularly how far that is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{Message, consumer::Consumer as _, message::BorrowedMessage};
use tidemark_schemas::{connect::KafkaConfig, dead::DeadRecord, log::DEAD_TOPIC, log::partition_of};
use tokio_util::sync::CancellationToken;

use super::{
    fold::fold,
    marks::Marks,
    table::{DeadTable, LetterKey},
};
use crate::{
    Config, Error,
    metrics::Metrics,
    retry::{Said, patiently},
    source::{ANSWER_WITHIN, Clock, Consumer, Offsets, Subscription, WallClock, commit, connect},
};

/// Records of one batch.
const BATCH_RECORDS_MAX: usize = 1_000;
/// How long a batch waits for more records once it has one.
const LINGER: Duration = Duration::from_millis(50);
/// How often it is said how far the topic was read. The query service believes a count for a few seconds.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// What a record says, without its body.
struct Noted {
    partition: i32,
    offset: i64,
    tenant: String,
    /// None where it is nothing that we know.
    record: Option<DeadRecord>,
}

struct Follower {
    config: Config,
    partitions: i32,
    table: DeadTable,
    consumer: Arc<Consumer>,
    offsets: Arc<Offsets>,
    marks: Marks,
    metrics: Arc<Metrics>,
    /// The gauges are older than the table.
    is_counted: bool,
}

/// Runs until `shutdown`. ClickHouse away: the batch is tried again, and the numbers of the KPIs are not touched by it.
///
/// # Errors
/// Kafka's client failed for good.
pub async fn follow(
    config: Config,
    kafka: KafkaConfig,
    table: DeadTable,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let marks = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        marks = patiently(&config, &WallClock, || table.marks()) => Marks::new(marks?),
    };
    let next = marks.next_offsets(kafka.partitions);
    let offsets = Arc::new(Offsets::new(&next, &next));
    let consumer = Arc::new(connect(&config, &kafka, Subscription::dead(&config), offsets.clone())?);
    let follower = Follower { config, partitions: kafka.partitions, table, consumer, offsets, marks, metrics, is_counted: false };
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        ended = follower.run() => ended,
    }
}

impl Follower {
    async fn run(mut self) -> Result<(), Error> {
        let (mut said, mut is_away) = (Said::default(), false);
        let mut ticks = tokio::time::interval(MARK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    match self.mark().await {
                        Ok(()) => {
                            said.forget();
                            is_away = false;
                        }
                        Err(error) if said.is_news(&error) => tracing::warn!(%error, "no word on how far the dead letters are counted"),
                        Err(_) => {}
                    }
                }
                received = self.consumer.recv() => match received {
                    Ok(message) => {
                        let first = note(&message);
                        drop(message);
                        let batch = collect(&self.consumer, first).await;
                        self.persist(&batch).await?;
                    }
                    Err(error) if self.consumer.client().fatal_error().is_some() => return Err(error.into()),
                    Err(error) => {
                        if !std::mem::replace(&mut is_away, true) {
                            tracing::warn!(%error, "Kafka, dead letters");
                        }
                    }
                },
            }
        }
    }

    /// Read → fold → write, until it worked; then commit.
    async fn persist(&mut self, batch: &[Noted]) -> Result<(), Error> {
        patiently(&self.config, &WallClock, || self.write(batch)).await?;
        self.is_counted = false;
        let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
        for noted in batch {
            ends.insert(noted.partition, noted.offset + 1);
        }
        for (partition, next_offset) in ends {
            self.marks.written(partition, next_offset);
            self.offsets.committed(partition, next_offset);
            commit(&self.consumer, partition, next_offset);
        }
        Ok(())
    }

    async fn write(&self, batch: &[Noted]) -> Result<(), Error> {
        let records = || batch.iter().filter_map(|noted| Some((noted, noted.record.as_ref()?)));
        let key = |noted: &Noted, record: &DeadRecord| (noted.tenant.clone(), record.id().to_owned());
        let mut keys: Vec<LetterKey> = records().map(|(noted, record)| key(noted, record)).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(());
        }
        let mut rows = self.table.known(&keys).await?;
        for (noted, record) in records() {
            let key = key(noted, record);
            if let Some(row) = fold(rows.remove(&key), noted.offset, record) {
                rows.insert(key, row);
            }
        }
        if rows.is_empty() { Ok(()) } else { self.table.write(&rows).await }
    }

    /// Says how far our partitions are, and counts what is pending in them where that may have changed.
    async fn mark(&mut self) -> Result<(), Error> {
        let assigned = self.offsets.assigned();
        if assigned.is_empty() {
            return Ok(());
        }
        let now = WallClock.now_ms();
        let (consumer, of) = (self.consumer.clone(), assigned.clone());
        let looked = tokio::task::spawn_blocking(move || look(&consumer, &of)).await;
        for (partition, bounds) in looked.map_err(|error| Error::Internal(error.to_string()))?? {
            self.marks.looked(partition, bounds, now);
        }
        self.table.write_marks(&self.marks.of(&assigned), WallClock.now_ms()).await?;
        if !self.is_counted {
            for (tenant, letters) in self.table.pending().await? {
                if assigned.contains(&partition_of(&tenant, self.partitions)) {
                    self.metrics.dead_letters_pending(&tenant, letters);
                }
            }
            self.is_counted = true;
        }
        Ok(())
    }
}

/// What else is there within the linger and the bound. An error of Kafka's is met again by the next question.
async fn collect(consumer: &Consumer, first: Noted) -> Vec<Noted> {
    let mut batch = vec![first];
    let linger = tokio::time::sleep(LINGER);
    tokio::pin!(linger);
    while batch.len() < BATCH_RECORDS_MAX {
        tokio::select! {
            biased;
            received = consumer.recv() => match received {
                Ok(message) => batch.push(note(&message)),
                Err(_) => break,
            },
            () = &mut linger => break,
        }
    }
    batch
}

fn note(message: &BorrowedMessage<'_>) -> Noted {
    Noted {
        partition: message.partition(),
        offset: message.offset(),
        tenant: message.key().map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default(),
        record: DeadRecord::read(message.payload().unwrap_or_default()),
    }
}

/// The first offset of each partition, and the next to come.
type Bounds = BTreeMap<i32, (i64, i64)>;

fn look(consumer: &Consumer, partitions: &[i32]) -> Result<Bounds, Error> {
    let bounds = |&partition: &i32| Ok((partition, consumer.fetch_watermarks(DEAD_TOPIC, partition, ANSWER_WITHIN)?));
    partitions.iter().map(bounds).collect()
}
