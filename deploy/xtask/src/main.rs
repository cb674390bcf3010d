//! `cargo xtask`: the two commands a newcomer needs (`demo`, `test`), the one that both begin with (`fetch`), the campaign
//! that torments everything (`chaos`), and the measures of everything (`bench`).
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line speaks on its terminal")]

mod bench;
#[path = "../../bench/src/args.rs"]
mod bench_args;
#[path = "../../tidemark/src/cache.rs"]
mod cache;
mod chaos;
mod demo;
mod fetch;
mod fuzz;
#[path = "../../tidemark/src/java.rs"]
mod java;
mod process;
mod sim;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests and shows Tidemark. Whatever is missing is fetched first, into `$TIDEMARK_CACHE` (default ~/.cache/tidemark).
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring everything up with a simulated sales organisation and answer a few KPIs
    Demo(demo::Args),
    /// Run everything that must pass: format, lints, all tests (on the real Kafka and the real ClickHouse engine)
    Test,
    /// Kill and stop every process of a running Tidemark at random, under load, and check that no number is ever wrong
    Chaos(chaos::Args),
    /// Measure everything, release build, on fresh data, beside what a user would pick instead
    Bench(Box<bench_args::Args>),
    /// Throw broken bodies, files, records, mappings, statements and messages at every way in, for some minutes each
    Fuzz(fuzz::Args),
    /// Run the projector in a simulated world, once per seed, and check that what is read is never wrong
    Sim(sim::Args),
    /// Only fetch what is missing: Kafka's jars, ClickHouse's engine, Python clients of the tests
    Fetch,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test => test::run(),
        Command::Chaos(args) => chaos::run(&args),
        Command::Bench(_) => bench::run(),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Fetch => fetch::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
