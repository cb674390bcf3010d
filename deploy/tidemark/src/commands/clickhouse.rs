//! `tidemark clickhouse` (hidden): ClickHouse's engine behind its HTTP protocol, as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clickhouse_embedded::Config;
use tokio_util::sync::CancellationToken;

use crate::config::Log;
use crate::signals::StopSignals;
use crate::telemetry;
use crate::traces::Traces;

#[derive(clap::Args)]
pub struct Args {
    /// The engine's library
    #[arg(long, value_name = "FILE")]
    libchdb: PathBuf,
    /// Where its tables are
    #[arg(long, value_name = "DIR")]
    path: PathBuf,
    /// On which loopback address it answers
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
}

/// Runs it until a signal, then ends the process.
///
/// # Errors
/// The library cannot be loaded, the directory or the address is taken.
pub async fn run(args: Args) -> Result<()> {
    telemetry::start(&Log::default(), &Traces::none())?;
    let mut signals = StopSignals::listen()?;
    let shutdown = CancellationToken::new();
    let config = Config { libchdb: args.libchdb, path: args.path, listen: args.listen, ..Config::default() };
    let engine = clickhouse_embedded::run(config, shutdown.clone());
    let stop = async {
        signals.next().await;
        shutdown.cancel();
        std::future::pending().await
    };
    tokio::select! {
        ended = engine => ended?,
        () = stop => {}
    }
    // Not by returning: the engine's own threads are still there.
    clickhouse_embedded::exit(0)
}
