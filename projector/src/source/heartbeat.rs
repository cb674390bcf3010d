//! Heartbeat: how far each of our partitions was read and how far its log goes, said regularly, also when nothing happens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{consumer::Consumer as _, metadata::MetadataTopic};
use tidemark_schemas::log::EVENTS_TOPIC;
use tokio_util::sync::CancellationToken;

use super::{Consumer, LogStatus, Offsets, Status, catch_up::CatchUp, consumer::ANSWER_WITHIN, log::Clock};
use crate::{
    Error,
    generations::Claim,
    metrics::Metrics,
    retry::Said,
    sink::{Heartbeat, Sink},
};

/// What heartbeats are made from and where they go.
pub struct Beats<K> {
    /// Time between two.
    pub every: Duration,
    /// What is run.
    pub claim: Claim,
    /// For looking at the log.
    pub consumer: Arc<Consumer>,
    /// How far the partitions are.
    pub offsets: Arc<Offsets>,
    /// Where they go.
    pub sink: Arc<K>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the partitions go on.
    pub statuses: Vec<Arc<Status>>,
    /// Whether the log answers.
    pub log_status: Arc<LogStatus>,
}

/// Runs until `shutdown`; a heartbeat that fails is said in the log, once for each reason, and made up for by the next.
///
/// # Errors
/// [`Error::LogReplaced`]: the log ends before what was read of it.
pub async fn heartbeat<K: Sink>(beats: Beats<K>, shutdown: CancellationToken) -> Result<(), Error> {
    let mut times = tokio::time::interval(beats.every);
    times.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = Said::default();
    let mut catch_up = CatchUp::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = times.tick() => {}
        }
        match beats.beat(&mut catch_up).await {
            Ok(()) => said.forget(),
            Err(error @ Error::LogReplaced { .. }) => return Err(error),
            Err(error) if said.is_news(&error) => tracing::warn!(%error, "no heartbeat"),
            Err(_) => {}
        }
    }
}

impl<K: Sink> Beats<K> {
    async fn beat(&self, catch_up: &mut CatchUp) -> Result<(), Error> {
        let (consumer, offsets) = (self.consumer.clone(), self.offsets.clone());
        let (now_ms, redefined) = (self.clock.now_ms(), self.claim.redefined.clone());
        let looked = tokio::task::spawn_blocking(move || look(&consumer, &offsets, now_ms, &redefined)).await;
        let looked = looked.map_err(|error| Error::Internal(error.to_string()))?;
        self.log_status.looked(&looked);
        let mut beats = looked?;
        for beat in &mut beats {
            let status = usize::try_from(beat.partition).ok().and_then(|partition| self.statuses.get(partition));
            beat.stalled = status.and_then(|status| status.stalled_to_readers()).unwrap_or_default();
            let behind = beat.end_position - beat.position;
            self.metrics.behind(beat.partition, behind);
            if let Some(seconds) = catch_up.note(beat.partition, beat.position, behind, now_ms) {
                self.metrics.catch_up(beat.partition, seconds);
            }
        }
        if beats.is_empty() {
            return Ok(());
        }
        // One that hangs must not keep us from looking at the log.
        let told = tokio::time::timeout(ANSWER_WITHIN, self.sink.heartbeat(self.claim.id.generation, &beats)).await;
        told.unwrap_or_else(|_| {
            let reason = format!("it did not take a heartbeat within {} s", ANSWER_WITHIN.as_secs());
            Err(Error::Unavailable { system: "ClickHouse", reason })
        })
    }
}

fn look(consumer: &Consumer, offsets: &Offsets, now_ms: i64, redefined: &Arc<str>) -> Result<Vec<Heartbeat>, Error> {
    let metadata = consumer.fetch_metadata(Some(EVENTS_TOPIC), ANSWER_WITHIN)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let copies: BTreeMap<i32, usize> = partitions.map(|partition| (partition.id(), partition.isr().len())).collect();
    let beat = |partition| {
        // The end first: a position taken before it could be from before records that the end already counts.
        let read_before = offsets.next(partition);
        let (_, high) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?;
        if high < read_before {
            let what = format!("the log ends at offset {high}, but {read_before} records were read from it before");
            return Err(Error::LogReplaced { partition, what });
        }
        offsets.ended(partition, high);
        let copies = copies.get(&partition).and_then(|copies| i32::try_from(*copies).ok()).unwrap_or(0);
        let (position, end_position) = (offsets.next(partition) - 1, high - 1);
        let (stalled, redefined) = (String::new(), redefined.clone());
        Ok(Heartbeat { partition, position, end_position, copies, written_at: now_ms, stalled, redefined })
    };
    offsets.assigned().into_iter().map(beat).collect()
}
