//! What is done to a run's processes, engine and logs: one blow at a time, chosen by the dice.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use futures::{StreamExt, TryStreamExt, executor::block_on};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use tidemark_projector::{
    pipeline::Table,
    sink::{Parts, Sink},
};

use crate::{
    company::{GENERATION, PARTITIONS},
    faults::Point,
    seed::{PROCESSES, Run},
    world::{Place, lock},
};

/// Most steps that a paused worker does not run.
const PAUSE_STEPS_MAX: usize = 250;
/// Longest time that the engine refuses inserts, milliseconds.
const REFUSES_MS_MAX: usize = 300;

/// Kinds of blows.
#[derive(Debug, Clone, Copy)]
enum Blow {
    Crash,
    Rebalance,
    Pause,
    CutLog,
    CutSink,
    Refuse,
    Restore,
    RestorePart,
    LoseParts,
    BreakLog,
    DamageSnapshots,
}

/// Each with how often it comes.
const BLOWS: &[(usize, Blow)] = &[
    (34, Blow::Crash),
    (16, Blow::Rebalance),
    (14, Blow::Pause),
    (4, Blow::CutLog),
    (4, Blow::CutSink),
    (3, Blow::Refuse),
    (2, Blow::Restore),
    (2, Blow::RestorePart),
    (4, Blow::LoseParts),
    (3, Blow::BreakLog),
    (4, Blow::DamageSnapshots),
];

impl Run<'_> {
    /// One blow.
    pub(crate) fn strike(&mut self) {
        let blow = self.world.weighted(BLOWS);
        let partition = self.world.below(PARTITIONS);
        match blow {
            Some(Blow::Crash) | None => self.crash(partition),
            Some(Blow::Rebalance) => self.rebalance(partition),
            Some(Blow::Pause) => self.pause(partition),
            Some(Blow::CutLog) => {
                self.world.hit(Point::LogConnectionLost);
                self.world.with_log(partition, |log| log.epoch += 1);
            }
            Some(Blow::CutSink) => {
                self.world.hit(Point::SinkUnreachable);
                self.world.sink_epoch.fetch_add(1, Ordering::Relaxed);
            }
            Some(Blow::Refuse) => {
                let until = self.world.now() + self.world.between(50, REFUSES_MS_MAX) as i64;
                self.world.refuses_until_ms.store(until, Ordering::Relaxed);
            }
            // Of the log that was there before, nothing but the engine's rows may be left to tell.
            Some(Blow::Restore | Blow::RestorePart | Blow::LoseParts) if (0..PARTITIONS).any(|other| self.is_broken(other)) => {}
            Some(Blow::Restore) => self.restore(|_| true, Point::SinkRestored),
            Some(Blow::RestorePart) => {
                let chosen = self.some_tables();
                self.restore(|table| chosen.contains(&table), Point::SinkPartlyRestored);
            }
            Some(Blow::LoseParts) => self.lose_parts(),
            Some(Blow::BreakLog) => self.break_log(partition),
            Some(Blow::DamageSnapshots) => self.damage_snapshots(),
        }
    }

    /// A byte changes in every object of the snapshots at one position.
    fn damage_snapshots(&self) {
        let store = &self.world.snapshots;
        let listed: Vec<_> = block_on(store.list(None).map_ok(|object| object.location).collect());
        let objects: Vec<Path> = listed.into_iter().flatten().collect();
        if objects.is_empty() {
            return;
        }
        // Not one object by its name: names are not the same in every run of a seed.
        let position = |path: &Path| Some(path.parent()?.filename()?.split('-').next()?.to_owned());
        let chosen = position(&objects[self.world.below(objects.len())]);
        for path in objects.iter().filter(|path| position(path) == chosen) {
            let damaged = block_on(async {
                let mut bytes = store.get(path).await?.bytes().await?.to_vec();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                store.put(path, bytes.into()).await
            });
            if damaged.is_ok() {
                self.world.hit(Point::SnapshotDamaged);
            }
        }
    }

    /// A process is killed; its disk may be lost with it, or come back as it was.
    fn crash(&mut self, partition: usize) {
        let process = self.world.below(PROCESSES);
        let Some(owner) = self.owners[process][partition].take() else { return };
        self.world.hit(match owner.place() {
            Place::Starting => Point::CrashWhileStarting,
            Place::Reading => Point::CrashWhileReading,
            Place::BeforeInserts => Point::CrashBeforeInserts,
            Place::BetweenInserts => Point::CrashBetweenInserts,
            Place::Written => Point::CrashBeforeCommit,
        });
        drop(owner);
        let disk = &self.disks[process][partition];
        if self.world.goes_wrong(60, Point::StateLost) {
            disk.lose();
        } else if self.world.chance(100) && disk.go_back() {
            self.world.hit(Point::StateOlder);
        }
    }

    /// The group gives a partition to the other process; the old owner is not asked.
    fn rebalance(&mut self, partition: usize) {
        let old = self.world.owner(partition);
        let is_in_batch = self.owners[old][partition]
            .as_ref()
            .is_some_and(|owner| matches!(owner.place(), Place::BeforeInserts | Place::BetweenInserts | Place::Written));
        self.world.hit(if is_in_batch { Point::RebalanceInBatch } else { Point::Rebalance });
        self.world.assign(partition, (old + 1) % PROCESSES);
        if is_in_batch && self.world.chance(600) {
            self.pause_owner(old, partition);
        }
    }

    fn pause(&mut self, partition: usize) {
        let process = self.world.below(PROCESSES);
        self.pause_owner(process, partition);
        if self.world.owner(partition) == process && self.world.chance(700) {
            self.rebalance(partition);
        }
    }

    fn pause_owner(&mut self, process: usize, partition: usize) {
        let steps = self.world.between(10, PAUSE_STEPS_MAX) as u64;
        if let Some(owner) = &mut self.owners[process][partition] {
            owner.paused_until = self.step + steps;
            self.world.hit(Point::OwnerPaused);
        }
    }

    /// The engine comes back with what a backup has.
    fn restore(&mut self, tables: impl Fn(Table) -> bool, point: Point) {
        self.world.hit(point);
        self.world.disconnect_sink();
        self.world.sink.restore(self.backup.clone(), tables);
        self.sink_lost = true;
        self.added_lost = true;
    }

    /// The engine comes back without the newest parts of some tables.
    fn lose_parts(&mut self) {
        let chosen = self.some_tables();
        self.world.hit(Point::PartsLost);
        self.world.disconnect_sink();
        for table in chosen {
            let newest = self.world.between(1, 4);
            self.world.sink.lose(table, newest);
        }
        self.sink_lost = true;
        self.added_lost = true;
    }

    fn some_tables(&self) -> BTreeSet<Table> {
        let all = self.world.parts();
        let one_in = self.world.between(1, 6);
        all.into_keys().filter(|_| self.world.below(one_in) == 0).collect()
    }

    /// The broker loses records, or the topic is made anew; once a run, and only where numbers remember the log that they are of.
    fn break_log(&mut self, partition: usize) {
        let len = self.world.with_log(partition, |log| log.records.len());
        if self.is_broken(partition) || len < 10 || !self.is_remembered(partition) {
            return;
        }
        let kind = self.world.below(4);
        let at = self.world.between(1, len - 1);
        let point = match kind {
            0 | 1 => {
                self.world.with_log(partition, |log| log.truncate(at));
                Point::LogTruncated
            }
            2 => {
                let cluster = if self.world.chance(500) { "cluster" } else { "another cluster" };
                self.world.with_log(partition, |log| log.recreate(cluster));
                Point::LogRecreated
            }
            _ => {
                self.world.with_log(partition, |log| log.lose_beginning(at as i64));
                Point::LogBeginningDeleted
            }
        };
        self.world.hit(point);
    }

    /// Whether the engine has what tells of which log its rows are: the watermark and, beyond it, the newest event. An engine
    /// that lost just those rows cannot tell.
    fn is_remembered(&self, partition: usize) -> bool {
        let sink = &self.world.sink;
        let Some(watermark) = self.world.watermark(partition) else { return false };
        let tenants: Vec<Arc<str>> = self.company.tenants_of(partition).cloned().collect();
        let Ok(newest) = block_on(sink.newest_event(&tenants, 0)) else { return false };
        let known = newest.map_or(watermark.to, |(position, _)| position.max(watermark.to));
        let tables: Vec<(Table, i64)> = self.world.parts().into_keys().map(|table| (table, known + 1)).collect();
        block_on(sink.found(&tables, GENERATION, &tenants)).is_ok_and(|found| found.iter().all(|found| found.rows == 0))
    }

    /// What the engine does by itself: merges, and inserts that it had taken without saying so.
    pub(crate) fn engine_works(&mut self) {
        let late = {
            let mut late = lock(&self.world.late);
            if late.is_empty() { None } else { Some(late.remove(0)) }
        };
        if let Some((table, part)) = late.filter(|_| self.world.chance(500)) {
            self.world.sink.add(table, part);
        }
        let tables: Vec<(Table, usize)> = self.world.parts().into_iter().filter(|(_, parts)| *parts > 1).collect();
        if tables.is_empty() {
            return;
        }
        let (table, parts) = tables[self.world.below(tables.len())];
        let from = self.world.below(parts - 1);
        let to = self.world.between(from + 2, parts);
        self.world.sink.merge(table, from..to);
        self.world.hit(Point::PartsMerged);
    }

    /// A copy of what there is, for later blows.
    pub(crate) fn keep_copies(&mut self) {
        let backup: Parts = self.world.sink.backup();
        self.backup = backup;
        let (process, partition) = (self.world.below(PROCESSES), self.world.below(PARTITIONS));
        self.disks[process][partition].keep();
    }

    /// The paused workers of a partition that is another's now write again.
    pub(crate) fn note_old_owner(&self, process: usize, partition: usize, before: Place) {
        let is_old = self.world.owner(partition) != process;
        if is_old && matches!(before, Place::BeforeInserts | Place::BetweenInserts) {
            self.world.hit(Point::OldOwnerWrites);
        }
    }
}
