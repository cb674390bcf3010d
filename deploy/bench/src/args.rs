//! What a run is asked for; `cargo xtask bench` has the same flags.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench                                every measure, table and deploy/bench/results.json
  cargo xtask bench catchup growth                 two of them; each makes the data that it needs
  cargo xtask bench ingest --events 300000         a smaller log
  cargo xtask bench query --results query.json     one measure, with its figures in a file

Everything runs on this machine, the servers and the load beside each other, on fresh data in a temporary directory that is
deleted at the end: other work on the machine is in the figures. A goal that is missed is printed as missed; only what could
not be measured makes the command fail.";

/// Measures a running Tidemark, beside what a user would pick instead.
#[derive(Debug, Clone, Parser)]
#[command(name = "cargo xtask bench", after_help = EXAMPLES)]
pub struct Args {
    /// What to measure [default: everything]
    #[arg(value_name = "NAME")]
    pub measures: Vec<Measure>,
    /// Events in the log that everything is measured on
    #[arg(long, default_value_t = 3_000_000, value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    pub events: u64,
    /// Companies that the events are of
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub tenants: u32,
    /// Sellers, all companies together
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub reps: u32,
    /// Days that the events are spread over, from 2025-01-01 on
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(31..=3_650))]
    pub days: u32,
    /// Partitions of the log
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(i32).range(1..=64))]
    pub partitions: i32,
    /// Connections that send batches
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub connections: u32,
    /// Connections that send single events
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub single_connections: u32,
    /// How long single events are sent
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub single_seconds: u64,
    /// Consumers of the pair: ClickHouse's Kafka engine
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub pair_consumers: u32,
    /// Rest before idle memory is read
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub rest_seconds: u64,
    /// How long each question is asked by each number of clients
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub query_seconds: u64,
    /// Events a second while freshness is measured
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..=1_000_000))]
    pub fresh_rate: u32,
    /// How long freshness is measured
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub fresh_seconds: u64,
    /// The first and the last events of a catch-up whose rates growth compares
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub growth_window: u64,
    /// Where the figures go [default: deploy/bench/results.json, where everything was measured]
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// Keep the directory with the logs, the state and the tables
    #[arg(long)]
    pub keep: bool,
    /// The program to measure [default: tidemark beside this one]
    #[arg(long, value_name = "FILE")]
    pub tidemark: Option<PathBuf>,
}

/// Everything that is measured, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Measure {
    /// From a full log to the last visible cell, paired with ClickHouse's own Kafka engine and a materialized view
    Catchup,
    /// The first million of a catch-up against its last
    Growth,
    /// Resident memory of every process, idle and at most
    Memory,
    /// Events over HTTP into the log, in batches and one by one
    Ingest,
    /// Questions over HTTP, by 1, 8 and 64 clients
    Query,
    /// From a 2xx to the answer that holds the event, under load
    Freshness,
    /// A projector without its state, from a snapshot
    Restore,
    /// All numbers anew from the log
    Rebuild,
    /// `tidemark up` on existing data, until the first answer
    Up,
    /// The catch-up of one company alone, on an eighth of the events
    Alone,
}
