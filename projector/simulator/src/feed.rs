//! The records that a worker gets while its process owns the partition: in pieces, some of them again, and with doubts
//! where the connection to the log was lost.

use std::sync::{Arc, atomic::Ordering};

use tidemark_projector::source::{Delivery, Records};

use crate::{
    faults::Point,
    world::{Place, SharedPlace, World, lock},
};

/// Most records of one delivery.
const RECORDS_MAX: usize = 12;
/// After how many looks at an idle log a worker doubts it.
pub(crate) const IDLE_MAX: usize = 40;

/// One worker's records.
pub(crate) struct Feed {
    world: Arc<World>,
    process: usize,
    partition: usize,
    place: SharedPlace,
    /// The next offset to deliver.
    position: i64,
    /// The next offset as committed.
    committed: i64,
    is_owner: bool,
    epoch: u64,
    idle: usize,
}

impl Feed {
    /// Of a process, from an offset on, as the log was when the worker looked at it.
    pub(crate) fn new(world: Arc<World>, process: usize, partition: usize, place: SharedPlace, from: i64, epoch: u64) -> Self {
        world.commit(process, partition, from);
        Self { world, process, partition, place, position: from, committed: from, is_owner: false, epoch, idle: 0 }
    }

    fn commit(&mut self, next_offset: i64) {
        self.committed = next_offset;
        self.world.commit(self.process, self.partition, next_offset);
    }

    /// As a consumer that a partition is given to: it goes on at what was committed, or before.
    fn assigned(&mut self) {
        self.position = self.committed;
        let again = self.world.below(4) as i64;
        if again > 0 && self.committed >= again {
            self.world.hit(Point::Redelivered);
            self.position -= again;
        }
    }

    fn ready(&mut self) -> Option<Delivery> {
        let epoch = self.world.with_log(self.partition, |log| log.epoch);
        if self.epoch != epoch {
            self.epoch = epoch;
            return Some(Delivery::Doubt);
        }
        let is_owner = self.world.owner(self.partition) == self.process;
        let is_assigned = is_owner && !self.is_owner;
        self.is_owner = is_owner;
        if is_assigned {
            self.assigned();
            return Some(Delivery::Assigned);
        }
        if !is_owner {
            return None;
        }
        if self.world.goes_wrong(2, Point::LogConnectionLost) {
            return Some(Delivery::Doubt);
        }
        let count = self.world.between(1, RECORDS_MAX);
        let is_upgraded = self.world.is_upgraded.load(Ordering::Relaxed);
        let records = self.world.with_log(self.partition, |log| log.read(self.position, count, is_upgraded));
        let Some(last) = records.last() else {
            self.idle += 1;
            let doubts = self.idle > IDLE_MAX;
            return doubts.then(|| {
                self.idle = 0;
                Delivery::Doubt
            });
        };
        self.position = last.offset + 1;
        self.idle = 0;
        Some(Delivery::Records(records))
    }
}

impl Records for Feed {
    async fn next(&mut self) -> Option<Delivery> {
        *lock(&self.place) = Place::Reading;
        loop {
            futures::pending!();
            if let Some(delivery) = self.ready() {
                return Some(delivery);
            }
        }
    }

    fn committed(&mut self, next_offset: i64) {
        self.commit(next_offset);
    }

    fn skip_to(&mut self, next_offset: i64) {
        self.world.hit(Point::SnapshotRestored);
        self.commit(next_offset);
        self.position = next_offset;
    }
}
