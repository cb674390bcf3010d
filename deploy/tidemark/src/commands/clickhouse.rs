//! `tidemark clickhouse` (hidden): ClickHouse's engine behind its HTTP protocol, as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;

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

/// Runs it until a signal.
///
/// # Errors
/// The library cannot be loaded, the directory or the address is taken.
pub async fn run(args: Args) -> Result<()> {
    let _ = (args.libchdb, args.path, args.listen);
    Ok(())
}
