//! When a worker takes a snapshot of its state, and what it restores when it takes a partition over.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Background, Worker, identity::examine_mark};
use crate::{
    Error,
    metrics::Metrics,
    sink::Sink,
    snapshot::{Archive, Found, Manifest, View},
    state::State,
};

/// How often a restoration says how far it is, milliseconds.
const SAY_EVERY_MS: i64 = 5_000;
/// A whole state is restored in about so many times less than it takes to project the log up to it: a snapshot that goes
/// further by less than that part of its position costs more than it saves.
const RESTORED_FASTER: i64 = 10;

/// What a worker does about snapshots.
pub struct Snapshots {
    archive: Archive,
    background: Arc<dyn Background>,
    /// Records after which there is a new one.
    every: i64,
    /// Position of the newest that is known of, or that was tried.
    newest: i64,
    /// Held while one is written: there is one at a time.
    writing: Arc<Mutex<()>>,
    /// Whether the process ends, rather than begins again.
    ending: CancellationToken,
}

impl Snapshots {
    /// Takes one every so many records, and when `ending` says that the process ends.
    #[must_use]
    pub fn new(archive: Archive, background: Arc<dyn Background>, every_records: u64, ending: CancellationToken) -> Self {
        let every = i64::try_from(every_records).unwrap_or(i64::MAX).max(1);
        Self { archive, background, every, newest: 0, writing: Arc::default(), ending }
    }
}

impl<S: State, K: Sink> Worker<S, K> {
    /// After a commit: copies the state as it is now, while the worker goes on, if enough came since the last time.
    pub(super) fn snapshot_if_due(&mut self) {
        let Some(snapshots) = &mut self.snapshots else { return };
        let next_offset = self.partition.mark().next_offset;
        if next_offset - snapshots.newest < snapshots.every {
            return;
        }
        let Ok(writing) = snapshots.writing.clone().try_lock_owned() else { return };
        snapshots.newest = next_offset;
        let (archive, metrics, number) = (snapshots.archive.clone(), self.metrics.clone(), self.partition.number());
        let view = self.partition.view();
        snapshots.background.run(Box::pin(async move {
            take(&archive, &metrics, number, view).await;
            drop(writing);
        }));
    }

    /// When the process ends: what is not yet in a snapshot.
    pub(super) async fn last_snapshot(&mut self) {
        let Some(snapshots) = self.snapshots.as_ref().filter(|snapshots| snapshots.ending.is_cancelled()) else { return };
        let _writing = snapshots.writing.lock().await;
        if self.partition.mark().next_offset > snapshots.newest {
            take(&snapshots.archive, &self.metrics, self.partition.number(), self.partition.view()).await;
        }
    }

    /// Restores the newest snapshot that goes further than the state and fits log and sink. Whatever is wrong with
    /// snapshots, the log is still there.
    ///
    /// # Errors
    /// Log or sink did not answer; the state cannot be written. [`Error::Snapshot`]: a state that was here is gone, so that
    /// the process must begin again.
    pub(super) async fn restore(&mut self) -> Result<(), Error> {
        let Some(archive) = self.snapshots.as_ref().map(|snapshots| snapshots.archive.clone()) else { return Ok(()) };
        let number = self.partition.number();
        let Some(log_id) = self.log.look(number, &[0]).await?.log_id() else { return Ok(()) };
        let found = match archive.find(&log_id, number).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "snapshots cannot be looked for");
                return Ok(());
            }
        };
        let local = self.partition.mark().next_offset;
        let newest = found.first().map_or(0, |newest| newest.next_offset);
        self.snapshots.iter_mut().for_each(|snapshots| snapshots.newest = newest);
        let is_worth_it = |found: &&Found| (found.next_offset - local).saturating_mul(RESTORED_FASTER) > found.next_offset;
        for snapshot in found.iter().filter(is_worth_it) {
            match self.restore_from(&archive, snapshot).await {
                Ok(()) => return Ok(()),
                Err(error @ (Error::Snapshot { .. } | Error::SinkLost { .. } | Error::LogReplaced { .. })) => {
                    tracing::warn!(%error, snapshot = snapshot.name(), "the snapshot is not restored");
                    if self.partition.mark().next_offset < local {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn restore_from(&mut self, archive: &Archive, snapshot: &Found) -> Result<(), Error> {
        let (number, started_ms) = (self.partition.number(), self.clock.now_ms());
        let manifest = archive.manifest(snapshot, number).await?;
        examine_mark(&manifest.mark, &self.partition, self.sink.as_ref(), self.log.as_ref()).await?;
        let (local, to) = (self.partition.mark().next_offset, snapshot.next_offset);
        let (name, entries) = (snapshot.name(), manifest.entries());
        tracing::info!(
            partition = number,
            snapshot = name,
            entries,
            "position {local}: the snapshot goes to {to}, it is restored"
        );
        self.partition.clear()?;
        if let Err(error) = self.copy(archive, snapshot, &manifest).await {
            self.partition.clear()?;
            return Err(error);
        }
        self.partition.restored(manifest.mark)?;
        let ms = self.clock.now_ms() - started_ms;
        tracing::info!(partition = number, entries, ms, "restored: the log is read from position {to} on");
        Ok(())
    }

    async fn copy(&mut self, archive: &Archive, snapshot: &Found, manifest: &Manifest) -> Result<(), Error> {
        let (number, entries) = (self.partition.number(), manifest.entries());
        let (started_ms, mut said_ms, mut done) = (self.clock.now_ms(), self.clock.now_ms(), 0);
        for (part_number, part) in manifest.parts.iter().enumerate() {
            let read = archive.part(snapshot, part_number, part).await?;
            tokio::task::block_in_place(|| self.partition.restore(read))?;
            done += part.entries;
            self.metrics.restored(number, done as f64 / entries as f64);
            let now_ms = self.clock.now_ms();
            if now_ms - said_ms >= SAY_EVERY_MS {
                let seconds_left = (now_ms - started_ms) as f64 / 1_000.0 * (entries - done) as f64 / done as f64;
                tracing::info!(partition = number, done, of = entries, "restoring, about {seconds_left:.0} seconds left");
                said_ms = now_ms;
            }
        }
        Ok(())
    }
}

/// Takes a snapshot; one that fails is made up for by the next.
async fn take(archive: &Archive, metrics: &Metrics, partition: i32, view: View) {
    let (position, started) = (view.mark.next_offset, std::time::Instant::now());
    match archive.take(partition, view).await {
        Ok(Some(taken)) => {
            let (entries, bytes) = (taken.manifest.entries(), taken.manifest.stored_bytes());
            metrics.snapshot(partition, position);
            tracing::info!(partition, position, entries, bytes, ms = started.elapsed().as_millis(), "snapshot {}", taken.name);
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, partition, position, "no snapshot"),
    }
}
