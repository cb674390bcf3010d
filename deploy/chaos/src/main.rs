//! `cargo xtask chaos`: the product as real processes under load, while all of them are killed and stopped at random, and
//! everything that is read and written is held against the naive model of the log.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line speaks on its terminal")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails says where"))]

mod campaign;
mod compare;
mod faults;
mod history;
mod load;
mod log;
#[path = "../../tidemark/src/simulate/ndjson.rs"]
mod ndjson;
mod reads;
mod report;
mod truth;
mod watch;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Kills and stops every process of a running Tidemark at random and checks that no number is ever wrong.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo xtask chaos")]
struct Args {
    /// How long events are sent and processes are killed
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// What decides which events are sent, what happens to which process and what is asked
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events per second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Keep the directory with the logs, the state and the tables
    #[arg(long)]
    keep: bool,
    /// The program to torment [default: tidemark beside this one]
    #[arg(long, value_name = "FILE")]
    tidemark: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match campaign::run(Args::parse()).await {
        Ok(report) => {
            println!("{report}");
            if report.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
