//! One worker of one process, from its start-up: the projector's own code, polled by hand.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::{future::BoxFuture, task::noop_waker};
use tidemark_projector::{
    Config, Error,
    generations::{Pace, Turns},
    pipeline::Partition,
    snapshot::Place as SnapshotPlace,
    source::{Background, Snapshots, Status, Unread, Worker, lost, patiently},
};
use tokio_util::sync::CancellationToken;

use crate::{
    company::Definitions,
    disk::Disk,
    engine::Engine,
    faults::Point,
    feed::Feed,
    log::Looking,
    world::{Followers, Place, SharedPlace, SimClock, World, lock},
};

/// Records after which there is a new snapshot.
const RECORDS_OF_A_SNAPSHOT: u64 = 15;

/// What goes on beside a worker, until its process dies.
struct InBackground {
    world: Arc<World>,
    works: Mutex<Vec<BoxFuture<'static, ()>>>,
}

impl InBackground {
    fn step(&self, context: &mut Context<'_>) {
        lock(&self.works).retain_mut(|work| {
            let goes_on = work.as_mut().poll(context).is_pending();
            if !goes_on {
                self.world.hit(Point::SnapshotTaken);
            }
            goes_on
        });
    }
}

impl Background for InBackground {
    fn run(&self, work: BoxFuture<'static, ()>) {
        lock(&self.works).push(work);
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        lock(&self.works).iter().for_each(|_| self.world.hit(Point::SnapshotGivenUp));
    }
}

/// A worker that runs.
pub(crate) struct Owner {
    future: Pin<Box<dyn Future<Output = Result<(), Error>>>>,
    place: SharedPlace,
    background: Arc<InBackground>,
    pub(crate) status: Arc<Status>,
    /// The step at which it goes on.
    pub(crate) paused_until: u64,
}

impl Owner {
    /// Starts a worker on what its disk holds.
    pub(crate) fn start(
        world: &Arc<World>,
        definitions: &Definitions,
        metrics: Arc<tidemark_projector::source::Metrics>,
        process: usize,
        partition: usize,
        disk: Disk,
    ) -> Self {
        let place = Arc::new(Mutex::new(Place::Starting));
        let status = Arc::new(Status::default());
        let background = Arc::new(InBackground { world: world.clone(), works: Mutex::default() });
        let life = {
            let (world, definitions, place) = (world.clone(), definitions.clone(), place.clone());
            let (status, background) = (status.clone(), background.clone());
            async move {
                loop {
                    let (world, definitions, metrics) = (world.clone(), definitions.clone(), metrics.clone());
                    let (disk, place, status, background) = (disk.clone(), place.clone(), status.clone(), background.clone());
                    match life(world, definitions, metrics, process, partition, disk, place, status, background).await {
                        // As a process does: the state went with a snapshot that was damaged.
                        Err(Error::Snapshot { .. }) => {}
                        outcome => return outcome,
                    }
                }
            }
        };
        Self { future: Box::pin(life), place, background, status, paused_until: 0 }
    }

    /// Lets it go on to where it waits next; its end, if that comes first.
    pub(crate) fn step(&mut self) -> Option<Result<(), Error>> {
        let waker = noop_waker();
        self.background.step(&mut Context::from_waker(&waker));
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    /// Where it waits.
    pub(crate) fn place(&self) -> Place {
        *lock(&self.place)
    }
}

/// Bounds in proportion to a run.
fn config() -> Config {
    Config { retry_ms_min: 10, retry_ms_max: 40, refused_retry_ms: 60, examine_ms: 3_000, ..Config::default() }
}

#[allow(clippy::too_many_arguments, reason = "a process begins with all of it")]
async fn life(
    world: Arc<World>,
    definitions: Definitions,
    metrics: Arc<tidemark_projector::source::Metrics>,
    process: usize,
    partition: usize,
    disk: Disk,
    place: SharedPlace,
    status: Arc<Status>,
    background: Arc<InBackground>,
) -> Result<(), Error> {
    let Definitions { id, settings, measures, .. } = definitions;
    let archive = SnapshotPlace::new(world.snapshots.clone()).archive(id.clone());
    let snapshots = Snapshots::new(archive, background, RECORDS_OF_A_SNAPSHOT, CancellationToken::new());
    let clock = Arc::new(SimClock(world.clone()));
    let sink = Arc::new(Engine::connect(world.clone(), place.clone()));
    let log = Arc::new(Looking(world.clone()));
    let mut state = Partition::open(partition as i32, disk, settings, measures)?;
    let look = || async {
        let looked_at = world.with_log(partition, |log| (log.epoch, log.cluster));
        Ok((looked_at, lost(&state, sink.as_ref(), log.as_ref()).await?))
    };
    let ((epoch, cluster), lost) = patiently(&config(), clock.as_ref(), look).await?;
    if lost.is_some() {
        world.hit(Point::SinkLossNoticed);
        state.clear()?;
    }
    let feed = Feed::new(world.clone(), process, partition, place.clone(), state.mark().next_offset, epoch);
    let changes = Arc::new(Followers { world: world.clone(), place });
    let worker = Worker {
        partition: state,
        sink,
        log,
        changes,
        turns: Arc::new(Turns::new(Pace::Unbounded)),
        clock,
        cluster: cluster.to_owned(),
        config: config(),
        metrics,
        traces: Arc::default(),
        status,
        id,
        unread: Unread::default(),
        snapshots: Some(snapshots),
    };
    worker.run(feed, CancellationToken::new()).await
}
