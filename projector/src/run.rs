//! A projector process: makes the tables, holds state and log against ClickHouse, then runs a worker per partition.

use std::{future::Future, sync::Arc, time::Duration};

use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig, RegistryConfig},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    tenant::Tenants,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error,
    dead::{self, DeadTable},
    measure::Measures,
    metrics::Metrics,
    pipeline::Partition,
    registry::Registry,
    settings::Settings,
    sink::{ClickHouse, apply_schema, claim_generation},
    source::{self, Clock, KafkaLog, Offsets, Publisher, Queue, Status, Subscription, WallClock, Worker},
    state::{Lsm, LsmPartition},
    trace::Traces,
};

/// The set of numbers that is written. (Others come with `tidemark rebuild`.)
const GENERATION: u32 = 1;

/// Runs until `shutdown`.
///
/// # Errors
/// What does not get better by waiting: an invalid definition, another log, an address that is taken.
pub async fn run(
    config: Config,
    kafka: KafkaConfig,
    clickhouse: ClickHouseConfig,
    registry: RegistryConfig,
    tenants: Arc<Tenants>,
    catalogue: Arc<Catalogue>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let pipelines = shipped_pipelines().map_err(Error::Invalid)?;
    let registry = Arc::new(Registry::new(registry)?);
    let settings = Settings::new(&tenants, &pipelines, catalogue, GENERATION)?.with_registry(registry);
    let settings = Arc::new(settings);
    let measures = Arc::new(Measures::plan(&settings.catalogue)?);
    let session = || session(&config, &kafka, &clickhouse, &settings, &measures, &shutdown);
    loop {
        match session().await {
            Err(reason) if reason.is_transient() || matches!(reason, Error::SinkLost { .. }) => {
                tracing::warn!(%reason, "the projector begins again");
            }
            outcome => return outcome,
        }
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(config.retry_ms_max)) => {}
        }
    }
}

/// From looking at log, state and ClickHouse until the end, until ClickHouse turns out to have lost rows, or until Kafka's
/// client gives up: a broker that was away may take a consumer that joins again for another one of its name.
async fn session(
    config: &Config,
    kafka: &KafkaConfig,
    clickhouse: &ClickHouseConfig,
    settings: &Arc<Settings>,
    measures: &Arc<Measures>,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let start = async {
        patiently(config, || apply_schema(clickhouse)).await?;
        let definitions = settings.definitions_hash();
        patiently(config, || claim_generation(clickhouse, settings.generation, &definitions)).await?;
        let log = Arc::new(patiently(config, || connect(kafka.clone())).await?);
        let sink = Arc::new(ClickHouse::new(clickhouse));
        let partitions = open(config, settings, measures, sink.as_ref(), &log, kafka.partitions).await?;
        Ok::<_, Error>((log, sink, partitions))
    };
    let (log, sink, partitions) = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        started = start => started?,
    };
    let dead = DeadTable::new(clickhouse);
    Process::new(config, kafka, settings.clone(), log, sink, dead)?.run(partitions, shutdown).await
}

/// Tries until it works or cannot work: servers may start in any order.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(config: &Config, attempt: impl Fn() -> F) -> Result<T, Error> {
    let mut pause = Duration::from_millis(config.retry_ms_min);
    loop {
        match attempt().await {
            Err(error) if error.is_transient() => {
                tracing::info!(%error, "waiting");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            outcome => return outcome,
        }
    }
}

async fn connect(kafka: KafkaConfig) -> Result<KafkaLog, Error> {
    let connected = tokio::task::spawn_blocking(move || KafkaLog::connect(&kafka)).await;
    connected.map_err(|error| Error::Internal(error.to_string()))?
}

/// Opens every partition's state and drops what ClickHouse has lost.
async fn open(
    config: &Config,
    settings: &Arc<Settings>,
    measures: &Arc<Measures>,
    sink: &ClickHouse,
    log: &KafkaLog,
    partitions: i32,
) -> Result<Vec<Partition<LsmPartition>>, Error> {
    let lsm = Lsm::open(&config.state_dir, config.state_cache_bytes)?;
    let mut opened = Vec::new();
    for number in 0..partitions {
        let mut partition = Partition::open(number, lsm.partition(number)?, settings.clone(), measures.clone())?;
        let lost = patiently(config, || source::lost(&partition, sink, log)).await?;
        if let Some(reason) = lost {
            tracing::warn!(%reason, "the local state is dropped and the log read again");
            partition.clear()?;
        }
        opened.push(partition);
    }
    Ok(opened)
}

/// What the workers of a process share.
struct Process {
    config: Config,
    kafka: KafkaConfig,
    settings: Arc<Settings>,
    log: Arc<KafkaLog>,
    sink: Arc<ClickHouse>,
    dead: DeadTable,
    publisher: Arc<Publisher>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    traces: Arc<Traces>,
}

impl Process {
    fn new(
        config: &Config,
        kafka: &KafkaConfig,
        settings: Arc<Settings>,
        log: Arc<KafkaLog>,
        sink: Arc<ClickHouse>,
        dead: DeadTable,
    ) -> Result<Self, Error> {
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let publisher = Arc::new(Publisher::connect(kafka, clock.clone())?);
        let (config, kafka, metrics) = (config.clone(), kafka.clone(), Arc::new(Metrics::new()));
        Ok(Self { config, kafka, settings, log, sink, dead, publisher, clock, metrics, traces: Arc::default() })
    }

    async fn run(self, partitions: Vec<Partition<LsmPartition>>, shutdown: &CancellationToken) -> Result<(), Error> {
        let next: Vec<i64> = partitions.iter().map(|partition| partition.mark().next_offset).collect();
        let offsets = Arc::new(Offsets::new(&next));
        let consumer = Arc::new(source::connect(&self.config, &self.kafka, Subscription::events(&self.config), offsets.clone())?);
        let statuses: Vec<Arc<Status>> = partitions.iter().map(|_| Arc::default()).collect();
        // A part that ends, ends the others.
        let stop = shutdown.child_token();
        let mut parts = JoinSet::new();
        let mut feeds = Vec::new();
        for (partition, status) in partitions.into_iter().zip(&statuses) {
            let (feed, records) = Queue::new(partition.number(), consumer.clone(), offsets.clone(), self.config.clone());
            feeds.push(feed);
            parts.spawn(self.worker(partition, status).run(records, stop.clone()));
        }
        let (dispatcher, traces, dispatch_stop) = (consumer.clone(), self.traces.clone(), stop.clone());
        let registry = self.settings.registry.clone();
        parts.spawn(async move { source::dispatch(&dispatcher, &feeds, &traces, &registry, &dispatch_stop).await });
        parts.spawn(source::serve(self.config.listen, self.metrics.clone(), offsets.clone(), statuses.clone(), stop.clone()));
        let (kafka, table) = (self.kafka.clone(), self.dead.clone());
        parts.spawn(dead::follow(self.config.clone(), kafka, table, self.metrics.clone(), stop.clone()));
        let beats = source::heartbeat(
            self.config.clone(),
            self.settings.generation,
            consumer,
            offsets,
            self.sink.clone(),
            self.clock.clone(),
            self.metrics.clone(),
            statuses,
            stop.clone(),
        );
        parts.spawn(beats);
        let outcome = finish(parts, &stop).await;
        self.publisher.flush();
        outcome
    }

    fn worker(&self, partition: Partition<LsmPartition>, status: &Arc<Status>) -> Worker<LsmPartition, ClickHouse> {
        Worker {
            partition,
            sink: self.sink.clone(),
            log: self.log.clone(),
            changes: self.publisher.clone(),
            clock: self.clock.clone(),
            cluster: self.log.cluster().to_owned(),
            config: self.config.clone(),
            metrics: self.metrics.clone(),
            traces: self.traces.clone(),
            status: status.clone(),
        }
    }
}

/// Waits for all parts; the first that fails stops the others and is the reason.
async fn finish(mut parts: JoinSet<Result<(), Error>>, stop: &CancellationToken) -> Result<(), Error> {
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
