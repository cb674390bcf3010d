//! The worker of one partition: project → write → publish → commit, batch by batch, trying again what did not succeed.
//! The simulator runs this very code; the log, the sink, who follows the numbers and the clock are given to it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    assignment::Unread,
    identity::examine,
    log::{Changes, Clock, Delivery, Log, Records, log_id},
    snapshots::Snapshots,
    status::Status,
};
use crate::{
    Config, Error,
    generations::Turns,
    metrics::Metrics,
    pipeline::{Batch, Partition, Record, record_hash},
    retry::Said,
    sabotage::Sabotage,
    sink::{GenerationId, Sink, write},
    state::State,
    trace::{Traces, stage},
};

/// What comes before a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum First {
    Nothing,
    /// Whether log and sink are still those of the state.
    Examine,
    /// That, and all that a new owner has to do.
    TakeOver,
}

/// Everything that the worker of a partition uses.
pub struct Worker<S, K> {
    /// The partition's state and pipeline.
    pub partition: Partition<S>,
    /// Where rows go.
    pub sink: Arc<K>,
    /// For telling the log from another.
    pub log: Arc<dyn Log>,
    /// Where changes go.
    pub changes: Arc<dyn Changes>,
    /// How fast batches may follow each other.
    pub turns: Arc<Turns>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Cluster that the log is in.
    pub cluster: String,
    /// Bounds.
    pub config: Config,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Of the records that their senders trace.
    pub traces: Arc<Traces>,
    /// For the outside.
    pub status: Arc<Status>,
    /// What this process runs.
    pub id: GenerationId,
    /// KPIs that readers may be told of, once the partition is as far as its rows in the sink were.
    pub unread: Unread,
    /// Where copies of the state go and come from; none where that is switched off.
    pub snapshots: Option<Snapshots>,
}

impl<S: State, K: Sink> Worker<S, K> {
    /// Runs until `shutdown`, or until there are no more records. A batch in the making is given up: the next start begins with it.
    ///
    /// # Errors
    /// What does not get better by waiting.
    pub async fn run<R: Records>(mut self, mut records: R, shutdown: CancellationToken) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            outcome = self.work(&mut records) => return outcome,
        }
        self.last_snapshot().await;
        Ok(())
    }

    async fn work<R: Records>(&mut self, records: &mut R) -> Result<(), Error> {
        let mut examined = self.examination();
        while let Some(delivery) = records.next().await {
            // Also where records never cease: what was lost or replaced without a lost connection shows in time.
            let is_time = self.examination() != examined;
            let (mut waiting, mut first) = match delivery {
                Delivery::Records(records) if is_time => (records, First::Examine),
                Delivery::Records(records) => (records, First::Nothing),
                Delivery::Doubt => (Vec::new(), First::Examine),
                Delivery::Assigned => (Vec::new(), First::TakeOver),
            };
            if first != First::Nothing {
                examined = self.examination();
            }
            while first != First::Nothing || !waiting.is_empty() {
                let before = self.partition.mark().next_offset;
                let stalled = self.take_turn(&waiting, first).await?;
                first = First::Nothing;
                let next = self.partition.mark().next_offset;
                if !waiting.is_empty() {
                    records.committed(next);
                } else if next != before {
                    records.skip_to(next);
                }
                waiting.retain(|record| record.offset >= next);
                if let Some(reason) = stalled {
                    tracing::error!(%reason, partition = self.partition.number(), "the partition waits");
                    self.stall(Some(&reason));
                    std::future::pending::<()>().await;
                }
            }
        }
        Ok(())
    }

    /// The number of the examination that is due since the last one was. Partitions take their turns, so that ClickHouse is
    /// not asked by all at once.
    fn examination(&self) -> i64 {
        let every = i64::try_from(self.config.examine_ms).unwrap_or(i64::MAX).max(1);
        let turn = i64::from(self.partition.number()).saturating_mul(every) / i64::from(self.log.partitions()).max(1);
        self.clock.now_ms().saturating_add(turn) / every
    }

    /// Persists in this worker's turn.
    async fn take_turn(&mut self, records: &[Record], first: First) -> Result<Option<Error>, Error> {
        let (turns, clock) = (self.turns.clone(), self.clock.clone());
        let _turn = turns.take().await;
        let (started_ms, before) = (clock.now_ms(), self.partition.mark().next_offset);
        let stalled = self.persist(records, first).await?;
        let read = self.partition.mark().next_offset - before;
        turns.rest(clock.as_ref(), read.unsigned_abs(), (clock.now_ms() - started_ms).unsigned_abs()).await;
        Ok(stalled)
    }

    /// Tries until a batch is in: written, published, committed. Returns why the record after it must wait, if it must.
    async fn persist(&mut self, records: &[Record], mut first: First) -> Result<Option<Error>, Error> {
        let number = self.partition.number();
        let mut pause_ms = self.config.retry_ms_min;
        let mut said = Said::default();
        self.status.tries(self.clock.now_ms());
        loop {
            let trace = self.traces.batch(number, records);
            let error = match self.attempt(records, first).instrument(trace.span()).await {
                Ok(stalled) => {
                    self.stall(None);
                    self.status.done();
                    return Ok(stalled);
                }
                Err(error) => {
                    trace.failed();
                    error
                }
            };
            let is_refused = matches!(error, Error::Refused { .. });
            if !error.is_transient() {
                return Err(error);
            }
            self.metrics.batch_failed(number);
            self.status.failed(&error);
            let is_news = said.is_news(&error);
            if is_refused {
                if is_news {
                    tracing::error!(%error, partition = number, "the partition waits");
                }
                self.stall(Some(&error));
                pause_ms = self.config.refused_retry_ms;
            } else if is_news {
                tracing::warn!(%error, partition = number, "the batch is tried again until it is in");
            }
            self.clock.sleep(pause_ms).await;
            pause_ms = (pause_ms * 2).min(self.config.retry_ms_max);
            // Whatever answers next may not be what answered before.
            first = first.max(First::Examine);
        }
    }

    async fn attempt(&mut self, records: &[Record], first: First) -> Result<Option<Error>, Error> {
        if first != First::Nothing {
            examine(&self.partition, self.sink.as_ref(), self.log.as_ref()).await?;
        }
        if first == First::TakeOver {
            self.take_over().await?;
        }
        // Of a partition that was taken over, or what an attempt before this one left.
        self.backfill().await?;
        let stalled = if records.is_empty() { None } else { self.batch(records).await? };
        self.backfill().await?;
        self.announce().await?;
        Ok(stalled)
    }

    async fn batch(&mut self, records: &[Record]) -> Result<Option<Error>, Error> {
        let turns = self.turns.clone();
        let _room = turns.room(records.len()).await;
        let started_ms = self.clock.now_ms();
        let log_id = self.log_id(records);
        let Batch { rows, writes, mark, stalled } = tokio::task::block_in_place(|| self.partition.project(records, &log_id))?;
        if rows.is_empty() {
            return Ok(stalled);
        }
        if self.partition.settings().lacks(Sabotage::WriteBeforeCommit) {
            self.partition.commit(writes, mark)?;
            write(self.sink.as_ref(), &rows).await?;
            return Ok(stalled);
        }
        write(self.sink.as_ref(), &rows).instrument(stage("write")).await?;
        self.changes.publish(&rows).instrument(stage("publish")).await?;
        let next_offset = mark.next_offset;
        stage("commit").in_scope(|| tokio::task::block_in_place(|| self.partition.commit(writes, mark)))?;
        let number = self.partition.number();
        self.traces.committed(number, next_offset);
        self.metrics.poison(number, rows.poison.len());
        let records = usize::try_from(rows.watermark.to - rows.watermark.from + 1).unwrap_or(0);
        self.metrics.batch_committed(number, records, (self.clock.now_ms() - started_ms) as f64 / 1_000.0);
        self.snapshot_if_due();
        Ok(stalled)
    }

    /// The log's name, which the first record completes.
    fn log_id(&self, records: &[Record]) -> String {
        let known = &self.partition.mark().log_id;
        match records.first() {
            Some(first) if known.is_empty() => log_id(&self.cluster, record_hash(&first.value)),
            _ => known.clone(),
        }
    }

    fn stall(&self, reason: Option<&Error>) {
        self.metrics.stalled(self.partition.number(), reason.is_some());
        self.status.stall(reason);
    }
}
