//! How a projector begins: makes the tables, claims a generation, holds state and log against ClickHouse; and begins again
//! when another generation becomes live, or when ClickHouse turns out to have lost rows.

use std::{sync::Arc, time::Duration};

use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig, RegistryConfig},
    definitions::Definitions,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error,
    dead::DeadTable,
    generations::{Claim, Ledger, claim, state_dir},
    measure::Measures,
    pipeline::Partition,
    process::{Process, Role},
    registry::Registry,
    retry::patiently,
    settings::Settings,
    sink::{ClickHouse, apply_schema},
    snapshot::{Archive, Place},
    source::{self, KafkaLog, Log, WallClock},
    state::{Lsm, LsmPartition},
};

/// Reads the definitions that the files have now: they are held against those of the live generation at each beginning.
pub type Files = Arc<dyn Fn() -> Result<Definitions, String> + Send + Sync>;

/// How long a state directory may still be in use by the process that had it before.
const IN_USE_MAX: Duration = Duration::from_secs(15);

/// Runs until `shutdown`; when another generation becomes live, begins again with that.
///
/// # Errors
/// What does not get better by waiting: an invalid definition, another log, an address that is taken.
pub async fn run(
    config: Config,
    kafka: KafkaConfig,
    clickhouse: ClickHouseConfig,
    registry: RegistryConfig,
    files: Files,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let registry = Arc::new(Registry::new(registry)?);
    let mut last_read = files().map_err(Error::Invalid)?;
    loop {
        let begun = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            begun = begin(&config, &kafka, &clickhouse, &registry, &last_read) => begun?,
        };
        let pause_ms = match Process::new(&config, &kafka, begun, Role::Live)?.run(&shutdown).await {
            Err(reason @ Error::Superseded) => {
                tracing::info!(%reason, "the projector begins again");
                0
            }
            // Kafka's client gives up too: a broker that was away may take a consumer that joins again for another one of its name.
            Err(reason) if reason.is_transient() || matches!(reason, Error::SinkLost { .. } | Error::Snapshot { .. }) => {
                tracing::warn!(%reason, "the projector begins again");
                config.retry_ms_max
            }
            outcome => return outcome,
        };
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
        }
        match files() {
            Ok(read) => last_read = read,
            // Somebody is editing them; what was read before is as good as it was.
            Err(reason) => tracing::warn!(reason, "the files cannot be read"),
        }
    }
}

/// Everything that a process works with.
pub struct Begun {
    /// What it runs.
    pub claim: Claim,
    /// What numbers depend on beside the log.
    pub settings: Arc<Settings>,
    /// For telling the log from another.
    pub log: Arc<KafkaLog>,
    /// Where rows go.
    pub sink: Arc<ClickHouse>,
    /// Where dead letters are counted.
    pub dead: DeadTable,
    /// The states, by number.
    pub partitions: Vec<Partition<LsmPartition>>,
    /// Where snapshots of the states are, unless that is switched off.
    pub snapshots: Option<Archive>,
    /// The offset after the last of each partition, as it was looked at.
    pub ends: Vec<i64>,
}

async fn begin(
    config: &Config,
    kafka: &KafkaConfig,
    clickhouse: &ClickHouseConfig,
    registry: &Arc<Registry>,
    files: &Definitions,
) -> Result<Begun, Error> {
    // What is wrong in the files is said before anything is waited for.
    Settings::new(files, 0)?;
    patiently(config, &WallClock, || apply_schema(clickhouse)).await?;
    let (ledger, sink) = (Ledger::new(clickhouse), ClickHouse::new(clickhouse));
    let claim = patiently(config, &WallClock, || claim(&ledger, &sink, files, kafka.partitions)).await?;
    begin_with(config, kafka, clickhouse, registry, claim).await
}

/// Opens the states of a generation and holds them against log and ClickHouse.
///
/// # Errors
/// What does not get better by waiting.
pub async fn begin_with(
    config: &Config,
    kafka: &KafkaConfig,
    clickhouse: &ClickHouseConfig,
    registry: &Arc<Registry>,
    claim: Claim,
) -> Result<Begun, Error> {
    let sink = Arc::new(ClickHouse::new(clickhouse));
    let settings = Arc::new(Settings::new(&claim.definitions, claim.id.generation)?.with_registry(registry.clone()));
    let snapshots = Place::open(&config.snapshots)?.map(|place| place.archive(claim.id.clone()));
    let measures = Arc::new(Measures::plan(&settings.catalogue)?);
    let log = Arc::new(patiently(config, &WallClock, || connect(kafka.clone())).await?);
    let partitions = open(config, &settings, &measures, sink.as_ref(), &log).await?;
    let mut ends = Vec::new();
    for number in 0..log.partitions() {
        ends.push(patiently(config, &WallClock, || log.look(number, &[])).await?.high);
    }
    Ok(Begun { claim, settings, log, sink, dead: DeadTable::new(clickhouse), partitions, snapshots, ends })
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
) -> Result<Vec<Partition<LsmPartition>>, Error> {
    let lsm = lsm(config, settings.generation).await?;
    let mut opened = Vec::new();
    for number in 0..log.partitions() {
        let mut partition = Partition::open(number, lsm.partition(number)?, settings.clone(), measures.clone())?;
        let lost = patiently(config, &WallClock, || source::lost(&partition, sink, log)).await?;
        if let Some(reason) = lost {
            tracing::warn!(%reason, "the local state is dropped: a snapshot is restored, or the log read again");
            partition.clear()?;
        }
        opened.push(partition);
    }
    Ok(opened)
}

/// Opens the database of a generation; a process that ends may hold it for a moment yet.
async fn lsm(config: &Config, generation: u32) -> Result<Lsm, Error> {
    let directory = state_dir(config, generation);
    let deadline = tokio::time::Instant::now() + IN_USE_MAX;
    loop {
        match Lsm::open(&directory, config.state_cache_bytes) {
            Err(error @ Error::StateInUse(_)) if tokio::time::Instant::now() < deadline => {
                tracing::info!(%error, "waiting");
                tokio::time::sleep(Duration::from_millis(config.retry_ms_min)).await;
            }
            outcome => return outcome,
        }
    }
}
