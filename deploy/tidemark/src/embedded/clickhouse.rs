//! The embedded engine: this same program as a child process, running `tidemark clickhouse`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::probe;

/// Where and how the engine runs.
pub struct ClickHouse {
    /// The fetched library.
    pub libchdb: PathBuf,
    /// Its part of the state directory.
    pub dir: PathBuf,
    /// On loopback.
    pub port: u16,
}

impl ClickHouse {
    /// The command that runs it.
    ///
    /// # Errors
    /// No library.
    pub fn prepare(&self) -> Result<Command> {
        require_library(&self.libchdb)?;
        let mut engine = Command::new(env::current_exe().context("cannot tell where this program lies")?);
        engine.arg("clickhouse").arg("--libchdb").arg(&self.libchdb).arg("--path").arg(&self.dir);
        engine.arg("--listen").arg(format!("127.0.0.1:{}", self.port));
        Ok(engine)
    }
}

/// Fails with what to do where the library is missing.
///
/// # Errors
/// It is missing.
pub fn require_library(libchdb: &Path) -> Result<()> {
    if !libchdb.is_file() {
        bail!("ClickHouse's engine is not at {}: `cargo xtask fetch` gets it", libchdb.display());
    }
    Ok(())
}

/// True if a ClickHouse at this URL says that it is there.
pub async fn answers(url: &str) -> bool {
    probe::answers(&format!("{}/ping", url.trim_end_matches('/'))).await
}
