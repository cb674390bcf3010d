//! A projector process: makes the tables, holds state and log against ClickHouse, then runs a worker per partition.

use std::{future::Future, sync::Arc, time::Duration};

use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig, RegistryConfig},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    tenant::Tenants,
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error,
    dead::{self, DeadTable},
    measure::Measures,
    metrics::Metrics,
    pipeline::{Partition, Watermark},
    registry::Registry,
    settings::Settings,
    sink::{ClickHouse, Sink, apply_schema, claim_generation},
    source::{self, LogEnds, Offsets, Publisher, Status, Subscription, Worker},
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
    let start = async {
        patiently(&config, || apply_schema(&clickhouse)).await?;
        let definitions = settings.definitions_hash();
        patiently(&config, || claim_generation(&clickhouse, settings.generation, &definitions)).await?;
        let sink = Arc::new(ClickHouse::new(&clickhouse));
        let watermarks = watermarks(&config, sink.as_ref(), settings.generation, kafka.partitions).await?;
        // After the watermarks, which other processes of the group move on: looked at earlier, the log would seem shorter than they say.
        let ends = patiently(&config, || look(kafka.clone())).await?;
        let partitions = open(&config, &settings, &measures, &watermarks, &ends)?;
        Ok::<_, Error>((ends, sink, partitions))
    };
    let (ends, sink, partitions) = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        started = start => started?,
    };
    Process::new(config, &kafka, settings, sink, DeadTable::new(&clickhouse))?.run(partitions, &ends, shutdown).await
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

async fn look(kafka: KafkaConfig) -> Result<Vec<LogEnds>, Error> {
    let looked = tokio::task::spawn_blocking(move || source::log_ends(&kafka)).await;
    looked.map_err(|error| Error::Internal(error.to_string()))?
}

/// How far ClickHouse is, by partition.
async fn watermarks(
    config: &Config,
    sink: &ClickHouse,
    generation: u32,
    partitions: i32,
) -> Result<Vec<Option<Watermark>>, Error> {
    let mut watermarks = Vec::new();
    for partition in 0..partitions {
        watermarks.push(patiently(config, || sink.watermark(generation, partition)).await?);
    }
    Ok(watermarks)
}

/// Opens every partition's state and drops what ClickHouse has lost.
fn open(
    config: &Config,
    settings: &Arc<Settings>,
    measures: &Arc<Measures>,
    watermarks: &[Option<Watermark>],
    ends: &[LogEnds],
) -> Result<Vec<Partition<LsmPartition>>, Error> {
    let lsm = Lsm::open(&config.state_dir, config.state_cache_bytes)?;
    let mut partitions = Vec::new();
    for (number, (log, watermark)) in (0..).zip(ends.iter().zip(watermarks)) {
        let mut partition = Partition::open(number, lsm.partition(number)?, settings.clone(), measures.clone())?;
        if source::check(number, partition.mark(), watermark.as_ref(), log)? {
            tracing::warn!(partition = number, "ClickHouse is behind the local state, which is dropped; the log is read again");
            partition.clear()?;
        }
        partitions.push(partition);
    }
    Ok(partitions)
}

/// What the workers of a process share.
struct Process {
    config: Config,
    kafka: KafkaConfig,
    settings: Arc<Settings>,
    sink: Arc<ClickHouse>,
    dead: DeadTable,
    publisher: Publisher,
    metrics: Arc<Metrics>,
    traces: Arc<Traces>,
}

impl Process {
    fn new(
        config: Config,
        kafka: &KafkaConfig,
        settings: Arc<Settings>,
        sink: Arc<ClickHouse>,
        dead: DeadTable,
    ) -> Result<Self, Error> {
        let publisher = Publisher::connect(kafka)?;
        Ok(Self {
            config,
            kafka: kafka.clone(),
            settings,
            sink,
            dead,
            publisher,
            metrics: Arc::new(Metrics::new()),
            traces: Arc::default(),
        })
    }

    async fn run(
        self,
        partitions: Vec<Partition<LsmPartition>>,
        ends: &[LogEnds],
        shutdown: CancellationToken,
    ) -> Result<(), Error> {
        let next: Vec<i64> = partitions.iter().map(|partition| partition.mark().next_offset).collect();
        let offsets = Arc::new(Offsets::new(&next));
        let consumer = Arc::new(source::connect(&self.config, &self.kafka, Subscription::events(&self.config), offsets.clone())?);
        let statuses: Vec<Arc<Status>> = partitions.iter().map(|_| Arc::default()).collect();
        // A part that ends, ends the others.
        let stop = shutdown.child_token();
        let mut parts = JoinSet::new();
        let mut queues = Vec::new();
        for ((partition, log), status) in partitions.into_iter().zip(ends).zip(&statuses) {
            let (queue, records) = mpsc::channel(self.config.queue_records_max);
            queues.push(queue);
            parts.spawn(self.worker(partition, log, &consumer, &offsets, status).run(records, stop.clone()));
        }
        let (dispatcher, traces, dispatch_stop) = (consumer.clone(), self.traces.clone(), stop.clone());
        let registry = self.settings.registry.clone();
        parts.spawn(async move { source::dispatch(&dispatcher, &queues, &traces, &registry, &dispatch_stop).await });
        parts.spawn(source::serve(self.config.listen, self.metrics.clone(), offsets.clone(), statuses, stop.clone()));
        let (kafka, table) = (self.kafka.clone(), self.dead.clone());
        parts.spawn(dead::follow(self.config.clone(), kafka, table, self.metrics.clone(), stop.clone()));
        let beats = source::heartbeat(
            self.config.clone(),
            self.settings.generation,
            consumer,
            offsets,
            self.sink.clone(),
            self.metrics.clone(),
            stop.clone(),
        );
        parts.spawn(async move {
            beats.await;
            Ok(())
        });
        let outcome = finish(parts, &stop).await;
        self.publisher.flush();
        outcome
    }

    fn worker(
        &self,
        partition: Partition<LsmPartition>,
        log: &LogEnds,
        consumer: &Arc<source::Consumer>,
        offsets: &Arc<Offsets>,
        status: &Arc<Status>,
    ) -> Worker<LsmPartition, ClickHouse> {
        Worker {
            partition,
            sink: self.sink.clone(),
            publisher: self.publisher.clone(),
            consumer: consumer.clone(),
            offsets: offsets.clone(),
            config: self.config.clone(),
            cluster: log.cluster().to_owned(),
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
