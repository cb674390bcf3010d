//! One worker of one process, from its start-up: the projector's own code, polled by hand.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::task::noop_waker;
use tidemark_projector::{
    Config, Error,
    pipeline::Partition,
    source::{Clock, Status, Worker, lost},
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

/// A worker that runs.
pub(crate) struct Owner {
    future: Pin<Box<dyn Future<Output = Result<(), Error>>>>,
    place: SharedPlace,
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
        let life = life(world.clone(), definitions.clone(), metrics, process, partition, disk, place.clone(), status.clone());
        Self { future: Box::pin(life), place, status, paused_until: 0 }
    }

    /// Lets it go on to where it waits next; its end, if that comes first.
    pub(crate) fn step(&mut self) -> Option<Result<(), Error>> {
        let waker = noop_waker();
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
) -> Result<(), Error> {
    let Definitions { settings, measures, .. } = definitions;
    let clock = Arc::new(SimClock(world.clone()));
    let sink = Arc::new(Engine::connect(world.clone(), place.clone()));
    let log = Arc::new(Looking(world.clone()));
    let mut state = Partition::open(partition as i32, disk, settings, measures)?;
    let epoch = loop {
        let (epoch, cluster) = world.with_log(partition, |log| (log.epoch, log.cluster));
        match lost(&state, sink.as_ref(), log.as_ref()).await {
            Ok(None) => break (epoch, cluster),
            Ok(Some(_)) => {
                world.hit(Point::SinkLossNoticed);
                state.clear()?;
                break (epoch, cluster);
            }
            Err(error) if error.is_transient() => clock.sleep(10).await,
            Err(error) => return Err(error),
        }
    };
    let (epoch, cluster) = epoch;
    let feed = Feed::new(world.clone(), process, partition, place.clone(), state.mark().next_offset, epoch);
    let changes = Arc::new(Followers { world: world.clone(), place });
    let worker = Worker {
        partition: state,
        sink,
        log,
        changes,
        clock,
        cluster: cluster.to_owned(),
        config: config(),
        metrics,
        traces: Arc::default(),
        status,
    };
    worker.run(feed, CancellationToken::new()).await
}
