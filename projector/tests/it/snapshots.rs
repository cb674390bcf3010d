//! Snapshots: what is restored and read on from is what a run without them gives; what is half written, damaged or of
//! something else is passed over; and the log alone is always enough.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::{FutureExt, TryStreamExt, executor::block_on, future::BoxFuture, task::noop_waker};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
use proptest::prelude::*;
use tidemark_projector::{
    Config, Error,
    generations::{Pace, Turns},
    pipeline::{Partition, Record, record_hash},
    sink::{GenerationId, MemorySink},
    snapshot::{Archive, Place, Taken},
    source::{Background, Delivery, Log, LogView, Nobody, Records, Snapshots, Status, Unread, WallClock, Worker},
    state::{KeyValue, Lsm, Memory, State},
};
use tidemark_verify::generate;
use tokio_util::sync::CancellationToken;

use crate::organisation::{Organisation, log, project};

fn organisation() -> &'static Organisation {
    static ORGANISATION: std::sync::LazyLock<Organisation> = std::sync::LazyLock::new(Organisation::new);
    &ORGANISATION
}

fn id(generation: u32, definitions: &str) -> GenerationId {
    GenerationId { generation, definitions_hash: definitions.to_owned() }
}

/// A store and the archive of generation 1 in it.
fn archive() -> (Arc<InMemory>, Archive) {
    let store = Arc::new(InMemory::new());
    (store.clone(), Place::new(store).archive(id(1, "definitions-one")))
}

fn take<S: State>(archive: &Archive, partition: &Partition<S>) -> Taken {
    block_on(archive.take(0, partition.view())).unwrap().unwrap()
}

/// Restores the newest into a state.
fn restore<S: State>(archive: &Archive, log_id: &str, state: S) -> Result<Partition<S>, Error> {
    block_on(async {
        let found = &archive.find(log_id, 0).await?[0];
        let manifest = archive.manifest(found, 0).await?;
        let mut partition = organisation().open(state);
        partition.clear()?;
        for (number, part) in manifest.parts.iter().enumerate() {
            partition.restore(archive.part(found, number, part).await?)?;
        }
        partition.restored(manifest.mark)?;
        Ok(partition)
    })
}

fn entries<S: State>(partition: &Partition<S>) -> Vec<KeyValue> {
    partition.view().entries.collect::<Result<_, _>>().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn restored_and_read_on_equals_a_run_without(seed in any::<u64>(), events in 2..200_usize, share in 1..100_usize, size in 1..40_usize) {
        let history = log(&generate::history(seed, events));
        let at = (events * share / 100).max(1);
        let (_, archive) = archive();
        let (with, without) = (MemorySink::default(), MemorySink::default());
        let mut first = organisation().open(Memory::default());
        project(&mut first, &with, &history[..at], &[size], |_| None);
        let view = first.view();
        // What comes after the moment is not in it.
        project(&mut first, &with, &history, &[size], |_| None);
        let taken = block_on(archive.take(0, view)).unwrap().unwrap();
        prop_assert_eq!(taken.manifest.mark.next_offset, at as i64);

        let mut second = restore(&archive, "log", Memory::default()).unwrap();
        prop_assert_eq!(second.mark(), &taken.manifest.mark);
        project(&mut second, &with, &history, &[7], |_| None);
        let mut alone = organisation().open(Memory::default());
        project(&mut alone, &without, &history, &[11], |_| None);
        prop_assert_eq!(entries(&second), entries(&alone));
        let (with, without) = (with.tables(), without.tables());
        prop_assert_eq!(with.facts(), without.facts());
        prop_assert_eq!(with.cells(), without.cells());
        prop_assert_eq!(with.values(), without.values());
        prop_assert_eq!(with.findings(), without.findings());
    }
}

#[test]
fn a_state_on_disk_is_copied_as_it_was_and_an_interrupted_restoration_is_no_state() {
    let history = log(&generate::history(7, 300));
    let directory = tempfile::tempdir().unwrap();
    let lsm = Lsm::open(directory.path(), 1 << 20).unwrap();
    let sink = MemorySink::default();
    let mut partition = organisation().open(lsm.partition(0).unwrap());
    project(&mut partition, &sink, &history[..200], &[17], |_| None);
    let (before, view) = (entries(&partition), partition.view());
    project(&mut partition, &sink, &history, &[17], |_| None);
    let (_, archive) = archive();
    block_on(archive.take(0, view)).unwrap().unwrap();

    let mut restored = restore(&archive, "log", lsm.partition(1).unwrap()).unwrap();
    assert_eq!(entries(&restored), before);
    project(&mut restored, &sink, &history, &[5], |_| None);
    assert_eq!(entries(&restored), entries(&partition));

    // The process dies after some of the entries.
    restored.clear().unwrap();
    restored.restore(before[..before.len() / 2].to_vec()).unwrap();
    drop(restored);
    let opened = organisation().open(lsm.partition(1).unwrap());
    assert_eq!((opened.mark().next_offset, entries(&opened).len()), (0, 0));
}

#[test]
fn only_whole_snapshots_of_the_same_kind_are_found_and_the_newest_two_are_kept() {
    let history = log(&generate::history(8, 120));
    let (store, ours) = archive();
    let place = Place::new(store.clone());
    let sink = MemorySink::default();
    let mut partition = organisation().open(Memory::default());
    let mut names = Vec::new();
    for to in [20, 40, 60, 80] {
        project(&mut partition, &sink, &history[..to], &[9], |_| None);
        names.push(take(&ours, &partition).name);
        assert!(block_on(ours.take(0, partition.view())).unwrap().is_none(), "it is there already");
    }
    let found = |archive: &Archive, log_id: &str, partition| -> Vec<i64> {
        block_on(archive.find(log_id, partition)).unwrap().iter().map(|found| found.next_offset).collect()
    };
    assert_eq!(found(&ours, "log", 0), [80, 60]);
    assert!(objects(&store).iter().all(|path| !path.starts_with(&names[0]) && !path.starts_with(&names[1])));
    assert!(found(&ours, "log", 1).is_empty() && found(&ours, "another", 0).is_empty());
    assert!(found(&place.archive(id(2, "definitions-one")), "log", 0).is_empty());
    // A KPI was added: what does not have it is no longer of use, and goes as soon as there is enough that has.
    let extended = place.archive(id(1, "with-another-kpi"));
    assert!(found(&extended, "log", 0).is_empty());
    for to in [100, 120] {
        project(&mut partition, &sink, &history[..to], &[9], |_| None);
        take(&extended, &partition);
    }
    assert!(found(&ours, "log", 0).is_empty());
    assert_eq!(found(&extended, "log", 0), [120, 100]);

    // One that is given up in the middle is never seen.
    let mut view = organisation().open(Memory::default());
    project(&mut view, &MemorySink::default(), &history, &[9], |_| None);
    let third = place.archive(id(3, "definitions-one"));
    let mut taking = Box::pin(third.take(0, view.view()));
    while objects(&store).iter().all(|path| !path.contains("generation-3")) {
        assert!(taking.poll_unpin(&mut Context::from_waker(&noop_waker())).is_pending());
    }
    drop(taking);
    assert!(found(&third, "log", 0).is_empty());
    block_on(place.forget(1)).unwrap();
    assert!(objects(&store).iter().all(|path| path.contains("generation-3")) && !objects(&store).is_empty());
}

fn objects(store: &InMemory) -> Vec<String> {
    let list = store.list(None).map_ok(|object| object.location.to_string()).try_collect();
    block_on(list).unwrap()
}

/// A log of one partition, by its records.
struct Shelf(Vec<Record>);

impl Log for Shelf {
    fn partitions(&self) -> i32 {
        1
    }

    fn look<'a>(&'a self, _partition: i32, offsets: &'a [i64]) -> BoxFuture<'a, Result<LogView, Error>> {
        let hash = |offset: i64| Some((offset, record_hash(&self.0.get(usize::try_from(offset).ok()?)?.value)));
        let hashes = offsets.iter().filter_map(|offset| hash(*offset)).collect();
        let view = LogView { cluster: "cluster".to_owned(), low: 0, high: self.0.len() as i64, hashes };
        Box::pin(std::future::ready(Ok(view)))
    }
}

/// What a worker is given: the partition, then all records up to an end; then its process ends.
struct Given {
    log: Arc<Shelf>,
    is_assigned: bool,
    next: usize,
    read: Arc<Mutex<Vec<i64>>>,
    ending: CancellationToken,
}

impl Records for Given {
    async fn next(&mut self) -> Option<Delivery> {
        if !std::mem::replace(&mut self.is_assigned, true) {
            return Some(Delivery::Assigned);
        }
        let Some(records) = self.log.0.get(self.next..).filter(|records| !records.is_empty()) else {
            self.ending.cancel();
            return std::future::pending().await;
        };
        let records = records[..records.len().min(10)].to_vec();
        self.next += records.len();
        self.read.lock().unwrap().extend(records.iter().map(|record| record.offset));
        Some(Delivery::Records(records))
    }

    fn committed(&mut self, _next_offset: i64) {}

    fn skip_to(&mut self, next_offset: i64) {
        self.next = usize::try_from(next_offset).unwrap();
    }
}

/// Does it at once.
struct AtOnce;

impl Background for AtOnce {
    fn run(&self, mut work: BoxFuture<'static, ()>) {
        let mut work = pin!(work.as_mut());
        while work.as_mut().poll(&mut Context::from_waker(&noop_waker())) == Poll::Pending {}
    }
}

/// Lets a process live from the records that there are; its state then, and the offsets that it read.
fn live<S: State + 'static>(
    state: S,
    sink: &Arc<MemorySink>,
    history: &[Record],
    snapshots: Option<(&Archive, u64)>,
) -> (Result<(), Error>, Vec<i64>) {
    let (log, read, ending) = (Arc::new(Shelf(history.to_vec())), Arc::<Mutex<Vec<i64>>>::default(), CancellationToken::new());
    let partition = organisation().open(state);
    let next = usize::try_from(partition.mark().next_offset).unwrap();
    let given = Given { log: log.clone(), is_assigned: false, next, read: read.clone(), ending: ending.clone() };
    let worker = Worker {
        partition,
        sink: sink.clone(),
        log,
        changes: Arc::new(Nobody),
        turns: Arc::new(Turns::new(Pace::Unbounded)),
        clock: Arc::new(WallClock),
        cluster: "cluster".to_owned(),
        config: Config::default(),
        metrics: Arc::default(),
        traces: Arc::default(),
        status: Arc::<Status>::default(),
        id: id(1, "definitions-one"),
        unread: Unread::default(),
        snapshots: snapshots.map(|(archive, every)| Snapshots::new(archive.clone(), Arc::new(AtOnce), every, ending.clone())),
    };
    let outcome = block_on(worker.run(given, ending));
    let read = read.lock().unwrap().clone();
    (outcome, read)
}

fn positions(archive: &Archive, history: &[Record]) -> Vec<i64> {
    let log_id = format!("cluster/{:016x}", record_hash(&history[0].value));
    block_on(archive.find(&log_id, 0)).unwrap().iter().map(|found| found.next_offset).collect()
}

/// Changes a byte of every object that is named so.
fn damage(store: &InMemory, is_damaged: impl Fn(&str) -> bool) {
    for path in objects(store).into_iter().filter(|path| is_damaged(path)).map(|path| Path::parse(path).unwrap()) {
        block_on(async {
            let mut bytes = store.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
            bytes[30] ^= 1;
            store.put(&path, bytes.into()).await.unwrap();
        });
    }
}

fn check(history: &[Record], sink: &MemorySink) {
    let expected = MemorySink::default();
    project(&mut organisation().open(Memory::default()), &expected, history, &[13], |_| None);
    assert_eq!(sink.tables().facts(), expected.tables().facts());
    assert_eq!(sink.tables().cells(), expected.tables().cells());
    assert_eq!(sink.tables().values(), expected.tables().values());
}

#[test]
fn an_owner_without_state_reads_only_the_rest_and_passes_damage_over() {
    let history = log(&generate::history(9, 200));
    let (store, archive) = archive();
    let sink = Arc::new(MemorySink::default());
    let (outcome, read) = live(Memory::default(), &sink, &history[..100], Some((&archive, 40)));
    outcome.unwrap();
    assert_eq!((read.len(), positions(&archive, &history)), (100, vec![100, 80]));

    let (outcome, read) = live(Memory::default(), &sink, &history[..150], Some((&archive, 1_000)));
    outcome.unwrap();
    assert_eq!((read[0], read.len(), positions(&archive, &history)), (100, 50, vec![150, 100]));
    check(&history[..150], &sink);

    // The newest is damaged: the one before it; then none: the log.
    damage(&store, |name| name.contains("/00000000000000000150-"));
    let (outcome, read) = live(Memory::default(), &sink, &history[..150], Some((&archive, 1_000)));
    outcome.unwrap();
    assert_eq!((read[0], read.len()), (100, 50));
    damage(&store, |name| name.ends_with("/manifest"));
    let (outcome, read) = live(Memory::default(), &sink, &history, Some((&archive, 1_000)));
    outcome.unwrap();
    assert_eq!((read[0], read.len()), (0, 200));
    check(&history, &sink);
}

#[test]
fn a_sink_that_is_behind_a_snapshot_gets_its_rows_from_the_log() {
    let history = log(&generate::history(10, 120));
    let (_, archive) = archive();
    live(Memory::default(), &Arc::default(), &history[..100], Some((&archive, 50))).0.unwrap();
    assert_eq!(positions(&archive, &history), [100, 50]);
    // Another, empty one.
    let sink = Arc::new(MemorySink::default());
    let (outcome, read) = live(Memory::default(), &sink, &history, Some((&archive, 1_000)));
    outcome.unwrap();
    assert_eq!(read.len(), 120);
    check(&history, &sink);
}

#[test]
fn a_state_that_is_gone_with_a_damaged_snapshot_begins_again() {
    let history = log(&generate::history(11, 120));
    let (store, archive) = archive();
    let sink = Arc::new(MemorySink::default());
    let directory = tempfile::tempdir().unwrap();
    let lsm = Lsm::open(directory.path(), 1 << 20).unwrap();
    live(lsm.partition(0).unwrap(), &sink, &history[..30], None).0.unwrap();
    live(Memory::default(), &sink, &history[..100], Some((&archive, 1_000))).0.unwrap();
    damage(&store, |name| name.ends_with("/000000"));
    let (outcome, read) = live(lsm.partition(0).unwrap(), &sink, &history, Some((&archive, 1_000)));
    assert!(matches!(outcome, Err(Error::Snapshot { .. })) && read.is_empty(), "{outcome:?}");
    let (outcome, read) = live(lsm.partition(0).unwrap(), &sink, &history, Some((&archive, 1_000)));
    outcome.unwrap();
    assert_eq!((read[0], read.len()), (0, 120));
    check(&history, &sink);
}
