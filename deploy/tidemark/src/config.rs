//! The settings: tidemark.toml's defaults, then a file, then the environment, then flags. What each key means is said in tidemark.toml.

mod layers;

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tidemark_schemas::tenant::Tenants;

use crate::cache;

pub use layers::{Overrides, manual};

/// All settings of one process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub state: PathBuf,
    tenants: PathBuf,
    pub kafka: Kafka,
    pub clickhouse: ClickHouse,
    pub log: Log,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    pub brokers: String,
    pub embedded: bool,
    jars: PathBuf,
    pub heap_mb: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickHouse {
    pub url: String,
    pub database: String,
    pub user: String,
    pub password: Secret,
    pub embedded: bool,
    libchdb: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// A value that Debug does not show.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "\"***\"" })
    }
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

impl Kafka {
    /// The directory of the embedded broker's jars.
    pub fn jars(&self) -> PathBuf {
        or_else(&self.jars, || cache::dir().join(cache::KAFKA))
    }

    /// The port that an embedded broker listens on.
    ///
    /// # Errors
    /// The address is not one of this machine's loopback.
    pub fn embedded_port(&self) -> Result<u16> {
        loopback_port(&self.brokers).with_context(|| format!("[kafka] brokers = {:?} with embedded = true", self.brokers))
    }
}

impl ClickHouse {
    /// The embedded engine's library.
    pub fn libchdb(&self) -> PathBuf {
        or_else(&self.libchdb, || cache::dir().join(cache::LIBCHDB))
    }

    /// The port that an embedded engine listens on.
    ///
    /// # Errors
    /// The URL is not one of this machine's loopback.
    pub fn embedded_port(&self) -> Result<u16> {
        let address = self.url.trim_end_matches('/').strip_prefix("http://").unwrap_or(&self.url);
        loopback_port(address).with_context(|| format!("[clickhouse] url = {:?} with embedded = true", self.url))
    }
}

fn or_else(path: &Path, default: impl FnOnce() -> PathBuf) -> PathBuf {
    if path.as_os_str().is_empty() { default() } else { path.to_owned() }
}

fn loopback_port(address: &str) -> Result<u16> {
    let numeric = address.replacen("localhost", "127.0.0.1", 1);
    let parsed: SocketAddr = numeric.parse().context("an embedded server needs an address like 127.0.0.1:19092")?;
    if parsed.ip() != IpAddr::from([127, 0, 0, 1]) {
        bail!("an embedded server listens on 127.0.0.1 only");
    }
    Ok(parsed.port())
}
