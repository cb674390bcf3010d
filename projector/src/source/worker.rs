//! The worker of one partition: project → write → publish → commit, batch by batch, trying again what did not succeed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Consumer, Offsets, Publisher, consumer::commit, identity::log_id};
use crate::{
    Config, Error,
    metrics::Metrics,
    pipeline::{Batch, Partition, Record},
    sink::Sink,
    state::State,
    trace::{Traces, stage},
};

/// What the outside may know of a worker.
#[derive(Debug, Default)]
pub struct Status {
    stalled: AtomicBool,
}

impl Status {
    /// Whether the partition waits for an operator.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }
}

/// Everything that the worker of a partition uses.
pub struct Worker<S, K> {
    /// The partition's state and pipeline.
    pub partition: Partition<S>,
    /// Where rows go.
    pub sink: Arc<K>,
    /// Where changes go.
    pub publisher: Publisher,
    /// Only for the group's offsets.
    pub consumer: Arc<Consumer>,
    /// How far the partitions are.
    pub offsets: Arc<Offsets>,
    /// Bounds.
    pub config: Config,
    /// Cluster that the log is in.
    pub cluster: String,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Of the records that their senders trace.
    pub traces: Arc<Traces>,
    /// For the outside.
    pub status: Arc<Status>,
}

impl<S: State, K: Sink> Worker<S, K> {
    /// Runs until `shutdown`. A batch in the making is given up: the next start begins with it.
    ///
    /// # Errors
    /// What does not get better by waiting.
    pub async fn run(mut self, mut records: Receiver<Record>, shutdown: CancellationToken) -> Result<(), Error> {
        loop {
            let waiting = tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                waiting = self.collect(&mut records) => waiting,
            };
            let Some(mut waiting) = waiting else { return Ok(()) };
            while !waiting.is_empty() {
                let stalled = tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    stalled = self.persist(&waiting) => stalled?,
                };
                let next = self.partition.mark().next_offset;
                waiting.retain(|record| record.offset >= next);
                if let Some(reason) = stalled {
                    return self.stall(&reason, &shutdown).await;
                }
            }
        }
    }

    /// Waits for a record, then takes what else is there within the linger and the bounds; none when there will be no more.
    async fn collect(&self, records: &mut Receiver<Record>) -> Option<Vec<Record>> {
        let first = records.recv().await?;
        let mut bytes = first.value.len();
        let mut batch = vec![first];
        let linger = tokio::time::sleep(Duration::from_millis(self.config.linger_ms));
        tokio::pin!(linger);
        while batch.len() < self.config.batch_records_max && bytes < self.config.batch_bytes_max {
            tokio::select! {
                biased;
                record = records.recv() => match record {
                    Some(record) => {
                        bytes += record.value.len();
                        batch.push(record);
                    }
                    None => break,
                },
                () = &mut linger => break,
            }
        }
        Some(batch)
    }

    /// Tries until a batch is in: written, published, committed. Returns why the record after it must wait, if it must.
    async fn persist(&mut self, records: &[Record]) -> Result<Option<Error>, Error> {
        let number = self.partition.number();
        let mut pause = Duration::from_millis(self.config.retry_ms_min);
        loop {
            let trace = self.traces.batch(number, records);
            let attempted = self.attempt(records).instrument(trace.span()).await;
            if attempted.is_err() {
                trace.failed();
            }
            match attempted {
                Ok(stalled) => return Ok(stalled),
                Err(error) if error.is_transient() => {
                    self.metrics.batch_failed(number);
                    tracing::warn!(%error, partition = number, pause_ms = pause.as_millis(), "the batch is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(self.config.retry_ms_max));
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn attempt(&mut self, records: &[Record]) -> Result<Option<Error>, Error> {
        let started = Instant::now();
        let log_id = self.log_id(records);
        let Batch { rows, writes, mark, stalled } = tokio::task::block_in_place(|| self.partition.project(records, &log_id))?;
        if !rows.is_empty() {
            self.sink.write(&rows).instrument(stage("write")).await?;
            self.publisher.publish(&rows, now_ms()).instrument(stage("publish")).await?;
            let next_offset = mark.next_offset;
            stage("commit").in_scope(|| tokio::task::block_in_place(|| self.partition.commit(writes, mark)))?;
            let number = self.partition.number();
            self.traces.committed(number, next_offset);
            self.offsets.committed(number, next_offset);
            commit(&self.consumer, number, next_offset);
            self.metrics.poison(number, rows.poison.len());
            let records = usize::try_from(rows.watermark.to - rows.watermark.from + 1).unwrap_or(0);
            self.metrics.batch_committed(number, records, started.elapsed().as_secs_f64());
        }
        Ok(stalled)
    }

    /// The log's name, which the first record completes.
    fn log_id(&self, records: &[Record]) -> String {
        match records.first() {
            Some(first) if first.offset == 0 => log_id(&self.cluster, xxhash_rust::xxh3::xxh3_64(&first.value)),
            _ => self.partition.mark().log_id.clone(),
        }
    }

    async fn stall(&self, reason: &Error, shutdown: &CancellationToken) -> Result<(), Error> {
        let number = self.partition.number();
        tracing::error!(%reason, partition = number, "the partition waits");
        self.status.stalled.store(true, Ordering::Release);
        self.metrics.stalled(number);
        shutdown.cancelled().await;
        Ok(())
    }
}

/// The wall clock, milliseconds since 1970.
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
