//! `tidemark`: one binary that hosts the services, alone or all in one, and the tools around them.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line speaks on its terminal")]

mod cache;
mod cli;
mod commands;
mod config;
mod embedded;
mod java;
mod probe;
mod services;
mod signals;
mod simulate;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use services::Service;

// Small allocations of many threads are this program's hot path.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

// The future of a command runs on the main thread, which outlives every child process that it spawns (see embedded/server.rs).
#[tokio::main]
async fn run(cli: Cli) -> anyhow::Result<()> {
    let place = cli.place;
    match cli.command {
        Command::Up(args) => commands::up::run(&place, args).await,
        Command::Ingest => commands::serve::run(&place, Service::Ingest).await,
        Command::Project => commands::serve::run(&place, Service::Projector).await,
        Command::Query => commands::serve::run(&place, Service::Query).await,
        Command::Import(args) => commands::import::run(&place, args).await,
        Command::Simulate(args) => simulate::run(&place, args).await,
        Command::Doctor => commands::doctor::run(&place).await,
        Command::Config => {
            commands::config::run();
            Ok(())
        }
        Command::Tenant(args) => commands::tenant::run(&place, args),
        Command::Clickhouse(args) => commands::clickhouse::run(args).await,
    }
}
