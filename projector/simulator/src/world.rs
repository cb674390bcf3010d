//! The world of a run: the clock, the logs, the engine's tables, who owns which partition, and what goes wrong.
//! Everything is behind locks only because the projector's traits are for threads; a run has one.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use futures::future::BoxFuture;
use object_store::memory::InMemory;
use tidemark_projector::{
    Error,
    pipeline::{Rows, Table, Watermark},
    sink::{MemorySink, Part},
    source::{Changes, Clock},
};

use crate::{
    company::PARTITIONS,
    dice::Dice,
    faults::{Hits, Point},
    log::PartitionLog,
};

/// Everything outside of the processes.
pub(crate) struct World {
    pub(crate) sink: MemorySink,
    /// Where snapshots are; every process reaches it.
    pub(crate) snapshots: Arc<InMemory>,
    /// Counts the times that every connection to the engine was lost.
    pub(crate) sink_epoch: AtomicU64,
    /// Inserts that the engine will apply later.
    pub(crate) late: Mutex<Vec<(Table, Part)>>,
    /// Until when the engine refuses inserts.
    pub(crate) refuses_until_ms: AtomicI64,
    /// Nothing goes wrong any more.
    pub(crate) is_calm: AtomicBool,
    logs: Mutex<Vec<PartitionLog>>,
    /// Process that owns each partition.
    assigned: Mutex<[usize; PARTITIONS]>,
    /// The next offset of each partition's worker, by process.
    committed: Mutex<BTreeMap<(usize, usize), i64>>,
    /// Newest version of the program, by process.
    pub(crate) is_upgraded: AtomicBool,
    now_ms: AtomicI64,
    dice: Mutex<Dice>,
    hits: Mutex<Hits>,
}

/// Where a worker is, for naming what a crash interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Starting,
    Reading,
    BeforeInserts,
    BetweenInserts,
    Written,
}

/// A worker's place, seen from outside.
pub(crate) type SharedPlace = Arc<Mutex<Place>>;

impl World {
    pub(crate) fn new(seed: u64, logs: Vec<PartitionLog>) -> Self {
        Self {
            sink: MemorySink::default(),
            snapshots: Arc::default(),
            sink_epoch: AtomicU64::new(0),
            late: Mutex::default(),
            refuses_until_ms: AtomicI64::new(0),
            is_calm: AtomicBool::new(false),
            logs: Mutex::new(logs),
            assigned: Mutex::new([0; PARTITIONS]),
            committed: Mutex::default(),
            is_upgraded: AtomicBool::new(false),
            now_ms: AtomicI64::new(1_800_000_000_000),
            dice: Mutex::new(Dice::new(seed)),
            hits: Mutex::default(),
        }
    }

    /// 0 … `bound` − 1.
    pub(crate) fn below(&self, bound: usize) -> usize {
        lock(&self.dice).below(bound)
    }

    /// `from` … `to`, both included.
    pub(crate) fn between(&self, from: usize, to: usize) -> usize {
        lock(&self.dice).between(from, to)
    }

    pub(crate) fn chance(&self, per_mille: usize) -> bool {
        lock(&self.dice).chance(per_mille)
    }

    /// One of some choices, each as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&self, choices: &[(usize, T)]) -> Option<T> {
        lock(&self.dice).weighted(choices)
    }

    pub(crate) fn hit(&self, point: Point) {
        lock(&self.hits).hit(point);
    }

    pub(crate) fn hits(&self) -> Hits {
        lock(&self.hits).clone()
    }

    /// Whether something goes wrong that does so in `per_mille` of thousand cases; never once the run is calm.
    pub(crate) fn goes_wrong(&self, per_mille: usize, point: Point) -> bool {
        let wrong = !self.is_calm() && self.chance(per_mille);
        if wrong {
            self.hit(point);
        }
        wrong
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    pub(crate) fn with_log<T>(&self, partition: usize, look: impl FnOnce(&mut PartitionLog) -> T) -> T {
        look(&mut lock(&self.logs)[partition])
    }

    pub(crate) fn assign(&self, partition: usize, process: usize) {
        lock(&self.assigned)[partition] = process;
    }

    pub(crate) fn owner(&self, partition: usize) -> usize {
        lock(&self.assigned)[partition]
    }

    /// Notes how far a worker has come.
    pub(crate) fn commit(&self, process: usize, partition: usize, next_offset: i64) {
        lock(&self.committed).insert((process, partition), next_offset);
    }

    /// How far a partition's owner has come.
    pub(crate) fn committed(&self, partition: usize) -> i64 {
        lock(&self.committed).get(&(self.owner(partition), partition)).copied().unwrap_or(0)
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// Every connection to the engine is lost, and with it what was on its way.
    pub(crate) fn disconnect_sink(&self) {
        lock(&self.late).clear();
        self.sink_epoch.fetch_add(1, Ordering::Relaxed);
    }

    /// What a partition's numbers stand on.
    pub(crate) fn watermark(&self, partition: usize) -> Option<Watermark> {
        self.sink.newest_watermark(partition as i32)
    }

    /// Parts of every table, for choosing one that something happens to.
    pub(crate) fn parts(&self) -> BTreeMap<Table, usize> {
        self.sink.part_counts()
    }
}

/// The only thread of a run holds no lock across a panic that it survives.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn unreachable(system: &'static str) -> Error {
    Error::Unavailable { system, reason: "the simulator cut the connection".to_owned() }
}

/// The clock of a run; time passes between the steps of its workers.
pub(crate) struct SimClock(pub(crate) Arc<World>);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.now()
    }

    fn sleep(&self, ms: u64) -> BoxFuture<'static, ()> {
        let world = self.0.clone();
        let until = world.now() + i64::try_from(ms).unwrap_or(i64::MAX);
        Box::pin(async move {
            while world.now() < until {
                futures::pending!();
            }
        })
    }
}

/// Nobody follows the numbers; publishing can fail.
pub(crate) struct Followers {
    pub(crate) world: Arc<World>,
    pub(crate) place: SharedPlace,
}

impl Changes for Followers {
    fn publish<'a>(&'a self, _rows: &'a Rows) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            *lock(&self.place) = Place::Written;
            futures::pending!();
            if self.world.goes_wrong(10, Point::PublishFailed) { Err(unreachable("Kafka")) } else { Ok(()) }
        })
    }
}
