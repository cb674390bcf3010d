//! Where log lines go: standard error, as text for people or as JSON for collectors.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Starts logging; later calls in one process are refused by `tracing`.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).with_context(|| format!("[log] filter = {:?}", log.filter))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
