//! `tidemark`: one binary that hosts the services, alone or all in one, and the tools around them.

mod cache;
mod cli;
mod commands;
mod config;
mod embedded;
mod java;
mod probe;
mod say;
mod services;
mod signals;
mod simulate;
mod telemetry;
mod traces;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cli::{Cli, Command};
use say::tell;
use services::Service;

// Small allocations of many threads are this program's hot path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For blocking calls that are under way when everything else has ended.
const LEFT_BEHIND: Duration = Duration::from_millis(300);

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    // On the main thread, which outlives every child process that a command spawns (see embedded/server.rs).
    let outcome = runtime.block_on(run(cli));
    runtime.shutdown_timeout(LEFT_BEHIND);
    if let Err(error) = &outcome {
        tell(format_args!("error: {error:#}"));
    }
    Ok(outcome.unwrap_or(ExitCode::FAILURE))
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let place = cli.place;
    let done = match cli.command {
        Command::Verify(args) => return Ok(commands::verify::run(&place, args).await),
        Command::Import(args) => return commands::import::run(&place, args).await,
        Command::Dead(args) => return commands::dead::run(&place, args).await,
        Command::Up(args) => commands::up::run(&place, args).await,
        Command::Ingest => commands::serve::run(&place, Service::Ingest).await,
        Command::Project => commands::serve::run(&place, Service::Projector).await,
        Command::Query => commands::serve::run(&place, Service::Query).await,
        Command::Mapping(args) => commands::mapping::run(&args),
        Command::Simulate(args) => simulate::run(&place, args).await,
        Command::Rebuild(args) => commands::rebuild::run(&place, args).await,
        Command::Generations(args) => commands::generations::run(&place, args).await,
        Command::Doctor => commands::doctor::run(&place).await,
        Command::Config => {
            commands::config::run();
            Ok(())
        }
        Command::Tenant(args) => commands::tenant::run(&place, args),
        Command::Clickhouse(args) => commands::clickhouse::run(args).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}
