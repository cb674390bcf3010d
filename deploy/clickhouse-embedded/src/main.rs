//! The embedded engine as a process of its own: `tidemark up` and tests start it as a child.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use clickhouse_embedded::Config;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// ClickHouse's engine (libchdb) behind ClickHouse's HTTP protocol, on a loopback address.
#[derive(Parser)]
struct Args {
    /// The engine's shared library.
    #[arg(long)]
    libchdb: PathBuf,
    /// The data directory.
    #[arg(long)]
    path: PathBuf,
    /// The loopback address to listen on.
    #[arg(long, default_value = "127.0.0.1:18123")]
    listen: SocketAddr,
    /// Queries that run at the same time.
    #[arg(long, default_value_t = Config::default().connections)]
    connections: usize,
    /// Requests that may wait for one of them.
    #[arg(long, default_value_t = Config::default().waiting_max)]
    waiting_max: usize,
    /// Bytes of one request's body.
    #[arg(long, default_value_t = Config::default().body_bytes_max)]
    body_bytes_max: u64,
    /// End when the thread that started this process ends.
    #[arg(long)]
    die_with_parent: bool,
}

fn main() -> anyhow::Result<()> {
    let Args { libchdb, path, listen, connections, waiting_max, body_bytes_max, die_with_parent } = Args::parse();
    if die_with_parent {
        clickhouse_embedded::die_with_parent().context("asking to end with the parent")?;
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let config = Config { libchdb, path, listen, connections, waiting_max, body_bytes_max, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let ended: anyhow::Result<()> = runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            stop.cancel();
        });
        Ok(clickhouse_embedded::run(config, shutdown).await?)
    });
    if let Err(error) = &ended {
        tracing::error!("{error}");
    }
    clickhouse_embedded::exit(i32::from(ended.is_err()))
}
