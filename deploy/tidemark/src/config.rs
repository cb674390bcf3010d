//! The settings: tidemark.toml's defaults, then a file, then the environment, then flags. What each key means is said in tidemark.toml.

mod layers;

use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use tidemark_schemas::connect::{ClickHouseConfig, KafkaConfig, RegistryConfig};
use tidemark_schemas::definitions::{Definitions, Engine};
use tidemark_schemas::kpi::Catalogue;
use tidemark_schemas::pipeline::shipped_pipelines;
use tidemark_schemas::tenant::Tenants;

use crate::cache;

pub use layers::{Overrides, manual};

/// All settings of one process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub state: PathBuf,
    tenants: PathBuf,
    kpis: PathBuf,
    pub kafka: KafkaConfig,
    pub clickhouse: ClickHouseConfig,
    pub registry: RegistryConfig,
    pub embedded: Embedded,
    pub log: Log,
    pub telemetry: Telemetry,
    pub ingest: tidemark_ingest::Config,
    pub projector: tidemark_projector::Config,
    pub query: tidemark_query::Config,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedded {
    pub kafka: bool,
    pub clickhouse: bool,
    kafka_jars: PathBuf,
    libchdb: PathBuf,
    pub kafka_heap_mb: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

impl Default for Log {
    /// For a child process, which writes to a file.
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub otlp_endpoint: String,
    pub sampling_ratio: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// A named file that is not there, broken TOML, an unknown key, a value of a wrong type: each with its layer and key.
    pub fn load(file: Option<&Path>, flags: Overrides) -> Result<Self> {
        layers::load(file, flags)
    }

    /// Where the tenants are kept.
    pub fn tenants_file(&self) -> PathBuf {
        or_else(&self.tenants, || self.state.join("tenants.toml"))
    }

    /// The projector's settings, with the places of its local state and its snapshots.
    pub fn projector(&self) -> tidemark_projector::Config {
        let state_dir = or_else(&self.projector.state_dir, || self.state.join("projector"));
        let snapshots = match self.projector.snapshots.as_str() {
            "" => self.state.join("snapshots").to_string_lossy().into_owned(),
            named => named.to_owned(),
        };
        tidemark_projector::Config { state_dir, snapshots, ..self.projector.clone() }
    }

    /// The tenants. No file means no tenants yet.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read_tenants(&self) -> Result<Tenants> {
        let file = self.tenants_file();
        if !file.exists() {
            return Ok(Tenants::default());
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Tenants::parse(&text).with_context(|| file.display().to_string())
    }
}

impl Config {
    /// The shipped KPIs with those of the configured directory.
    ///
    /// # Errors
    /// A directory or file that cannot be read; a KPI file that is invalid, with its line and reason.
    pub fn read_catalogue(&self) -> Result<Catalogue> {
        let mut catalogue = Catalogue::shipped().context("the shipped KPIs")?;
        if self.kpis.as_os_str().is_empty() {
            return Ok(catalogue);
        }
        let unreadable = || format!("kpis = {:?}", self.kpis.display().to_string());
        for entry in fs::read_dir(&self.kpis).with_context(unreadable)? {
            let path = entry.with_context(unreadable)?.path();
            let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            if path.extension() == Some(OsStr::new("toml")) {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                catalogue.add(&name, &text).with_context(unreadable)?;
            }
        }
        Ok(catalogue)
    }
}

impl Config {
    /// What numbers are made with, as the files have it now.
    ///
    /// # Errors
    /// As [`Config::read_catalogue`] and [`Config::read_tenants`]; a pipeline that does not exist.
    pub fn read_definitions(&self) -> Result<Definitions> {
        let engine = Engine::of_this_program(tidemark_projector::settings::FOLDS_VERSION);
        let pipelines = shipped_pipelines().map_err(|reason| anyhow!(reason))?;
        Definitions::new(engine, &self.read_catalogue()?, &self.read_tenants()?, &pipelines).map_err(|reason| anyhow!(reason))
    }
}

impl Embedded {
    /// The directory of the broker's jars.
    pub fn kafka_jars(&self) -> PathBuf {
        or_else(&self.kafka_jars, || cache::dir().join(cache::KAFKA))
    }

    /// The engine's library.
    pub fn libchdb(&self) -> PathBuf {
        or_else(&self.libchdb, || cache::dir().join(cache::LIBCHDB))
    }
}

/// The port that an embedded broker listens on.
///
/// # Errors
/// The address is not one of this machine's loopback.
pub fn kafka_port(kafka: &KafkaConfig) -> Result<u16> {
    loopback_port(&kafka.brokers).with_context(|| format!("[kafka] brokers = {:?}", kafka.brokers))
}

/// The port that an embedded engine listens on.
///
/// # Errors
/// The URL is not one of this machine's loopback.
pub fn clickhouse_port(clickhouse: &ClickHouseConfig) -> Result<u16> {
    let address = clickhouse.url.trim_end_matches('/').trim_start_matches("http://");
    loopback_port(address).with_context(|| format!("[clickhouse] url = {:?}", clickhouse.url))
}

fn or_else(path: &Path, default: impl FnOnce() -> PathBuf) -> PathBuf {
    if path.as_os_str().is_empty() { default() } else { path.to_owned() }
}

fn loopback_port(address: &str) -> Result<u16> {
    let numeric = address.replacen("localhost", "127.0.0.1", 1);
    let parsed: SocketAddr = numeric.parse().context("an [embedded] server needs an address like 127.0.0.1:19092")?;
    if parsed.ip() != IpAddr::from([127, 0, 0, 1]) {
        bail!("an [embedded] server listens on 127.0.0.1 only; set it to false there to use another machine's");
    }
    Ok(parsed.port())
}
