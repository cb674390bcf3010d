//! Where log lines go: standard error, as text for people or as JSON for collectors. Spans go elsewhere (`traces.rs`).

mod seldom;

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tidemark_schemas::log::TRACES;
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::config::{Log, LogFormat};
use crate::traces::Traces;

use self::seldom::Seldom;

/// Starts logging and tracing; later calls in one process are refused by `tracing`.
///
/// # Errors
/// A filter that cannot be read.
pub fn start(log: &Log, traces: &Traces) -> Result<()> {
    let filter = EnvFilter::try_new(&log.filter).with_context(|| format!("[log] filter = {:?}", log.filter))?;
    // What belongs to traces is no log line and must not show up in front of one.
    let filter = filter.add_directive(format!("{TRACES}=off").parse()?);
    // Nor is a terminal that was closed a reason to end.
    let lines = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter.and(Seldom::default()))).with(traces.layer()).init();
    Ok(())
}
