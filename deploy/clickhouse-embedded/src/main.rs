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
    /// End when the thread that started this process ends.
    #[arg(long)]
    die_with_parent: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if args.die_with_parent {
        clickhouse_embedded::die_with_parent().context("asking to end with the parent")?;
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Args { libchdb, path, listen, connections, .. } = args;
    let config = Config { libchdb, path, listen, connections, ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let ended = runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            stop.cancel();
        });
        clickhouse_embedded::run(config, shutdown).await.map_err(anyhow::Error::from)
    });
    if let Err(error) = &ended {
        tracing::error!("{error:#}");
    }
    clickhouse_embedded::exit(i32::from(ended.is_err()))
}
