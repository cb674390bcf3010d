//! A process at work: one consumer, a worker per partition, heartbeat, watch and health, which end together.

use std::{sync::Arc, time::Duration};

use tidemark_schemas::connect::KafkaConfig;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, dead,
    generations::{Pace, Turns},
    metrics::Metrics,
    pipeline::Partition,
    run::Begun,
    sink::ClickHouse,
    source::{
        self, Beats, Changes, Clock, Consumer, Feed, Health, LogStatus, Nobody, Offsets, Publisher, Queue, Snapshots, Spawned,
        Status, Subscription, Unread, WallClock, Worker,
    },
    state::LsmPartition,
    trace::Traces,
};

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It keeps the live numbers: says what moved, and answers operators.
    Live,
    /// It builds a generation beside them, and is seen only by whoever runs it.
    Builder(Pace),
}

/// Its parts.
type Parts = JoinSet<Result<(), Error>>;

/// What the workers of a process share.
pub struct Process {
    config: Config,
    kafka: KafkaConfig,
    begun: Begun,
    role: Role,
    publisher: Option<Arc<Publisher>>,
    turns: Arc<Turns>,
    clock: Arc<dyn Clock>,
    traces: Arc<Traces>,
    metrics: Arc<Metrics>,
    offsets: Arc<Offsets>,
    statuses: Vec<Arc<Status>>,
    log_status: Arc<LogStatus>,
}

impl Process {
    /// Everything that its parts share; nothing runs yet.
    ///
    /// # Errors
    /// Settings that Kafka's client refuses.
    pub fn new(config: &Config, kafka: &KafkaConfig, begun: Begun, role: Role) -> Result<Self, Error> {
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let next: Vec<i64> = begun.partitions.iter().map(|partition| partition.mark().next_offset).collect();
        let (publisher, pace) = match role {
            Role::Live => (Some(Arc::new(Publisher::connect(kafka, clock.clone())?)), Pace::Unbounded),
            Role::Builder(pace) => (None, pace),
        };
        Ok(Self {
            config: config.clone(),
            kafka: kafka.clone(),
            role,
            publisher,
            turns: Arc::new(Turns::new(pace)),
            clock,
            traces: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            offsets: Arc::new(Offsets::new(&next, &begun.ends)),
            statuses: next.iter().map(|_| Arc::default()).collect(),
            log_status: Arc::default(),
            begun,
        })
    }

    /// How far it is.
    pub fn offsets(&self) -> Arc<Offsets> {
        self.offsets.clone()
    }

    /// Whether its workers go on.
    pub fn statuses(&self) -> Vec<Arc<Status>> {
        self.statuses.clone()
    }

    /// Runs a worker per partition and what goes with them until `shutdown`, or until one of them cannot go on.
    ///
    /// # Errors
    /// What does not get better by waiting; [`Error::SinkLost`]; [`Error::Superseded`].
    pub async fn run(mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let subscription = Subscription::events(&self.config);
        let consumer = Arc::new(source::connect(&self.config, &self.kafka, subscription, self.offsets.clone())?);
        // A part that ends, ends the others.
        let stop = shutdown.child_token();
        let mut parts = Parts::new();
        let feeds = self.work(&mut parts, &consumer, &stop, shutdown)?;
        let (dispatcher, traces, dispatch_stop) = (consumer.clone(), self.traces.clone(), stop.clone());
        let registry = self.begun.settings.registry.clone();
        parts.spawn(async move { source::dispatch(&dispatcher, &feeds, &traces, &registry, &dispatch_stop).await });
        if self.role == Role::Live {
            let (claim, metrics, offsets) = (self.begun.claim.clone(), self.metrics.clone(), self.offsets());
            let health = Health { statuses: self.statuses(), log_status: self.log_status.clone() };
            parts.spawn(source::serve(self.config.clone(), metrics, offsets, health, claim, stop.clone()));
            let (kafka, table) = (self.kafka.clone(), self.begun.dead.clone());
            parts.spawn(dead::follow(self.config.clone(), kafka, table, self.metrics.clone(), stop.clone()));
        }
        let every = Duration::from_millis(self.config.heartbeat_ms);
        parts.spawn(source::watch(self.begun.sink.clone(), self.begun.claim.id.clone(), every, stop.clone()));
        parts.spawn(source::heartbeat(self.beats(consumer), stop.clone()));
        let outcome = finish(parts, &stop).await;
        self.publisher.iter().for_each(|publisher| publisher.flush());
        outcome
    }

    /// Starts the workers; where dispatch puts their records.
    fn work(
        &mut self,
        parts: &mut Parts,
        consumer: &Arc<Consumer>,
        stop: &CancellationToken,
        ending: &CancellationToken,
    ) -> Result<Vec<Feed>, Error> {
        let mut feeds = Vec::new();
        for (partition, status) in std::mem::take(&mut self.begun.partitions).into_iter().zip(&self.statuses) {
            let (feed, records) = Queue::new(partition.number(), consumer.clone(), self.offsets(), self.config.clone())?;
            feeds.push(feed);
            parts.spawn(self.worker(partition, status, ending).run(records, stop.clone()));
        }
        Ok(feeds)
    }

    fn worker(
        &self,
        partition: Partition<LsmPartition>,
        status: &Arc<Status>,
        ending: &CancellationToken,
    ) -> Worker<LsmPartition, ClickHouse> {
        let changes: Arc<dyn Changes> = match &self.publisher {
            Some(publisher) => publisher.clone(),
            None => Arc::new(Nobody),
        };
        Worker {
            partition,
            sink: self.begun.sink.clone(),
            log: self.begun.log.clone(),
            changes,
            turns: self.turns.clone(),
            clock: self.clock.clone(),
            cluster: self.begun.log.cluster().to_owned(),
            config: self.config.clone(),
            metrics: self.metrics.clone(),
            traces: self.traces.clone(),
            status: status.clone(),
            id: self.begun.claim.id.clone(),
            unread: Unread::default(),
            snapshots: self
                .begun
                .snapshots
                .clone()
                .map(|archive| Snapshots::new(archive, Arc::new(Spawned), self.config.snapshot_every_records, ending.clone())),
        }
    }

    fn beats(&self, consumer: Arc<Consumer>) -> Beats<ClickHouse> {
        Beats {
            every: Duration::from_millis(self.config.heartbeat_ms),
            claim: self.begun.claim.clone(),
            consumer,
            offsets: self.offsets(),
            sink: self.begun.sink.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            statuses: self.statuses(),
            log_status: self.log_status.clone(),
        }
    }
}

/// Waits for all parts; the first that fails stops the others and is the reason.
async fn finish(mut parts: Parts, stop: &CancellationToken) -> Result<(), Error> {
    let mut outcome = Ok(());
    while let Some(ended) = parts.join_next().await {
        let ended = ended.unwrap_or_else(|error| Err(Error::Internal(error.to_string())));
        stop.cancel();
        if outcome.is_ok() {
            outcome = ended;
        }
    }
    outcome
}
