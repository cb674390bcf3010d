//! The command line: every command, its flags and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::config::Overrides;
use crate::simulate;

const EXAMPLES: &str = "\
Examples:
  Everything on this machine, with a tenant that is ready to use:
    tidemark up --tenant acme --time-zone Asia/Shanghai --currency CNY --key my-key
  One event in, one KPI out:
    curl -H 'Authorization: Bearer my-key' -H 'Content-Type: application/json' http://127.0.0.1:8080/v1/events -d \\
      '{\"type\":\"visit.completed\",\"event_id\":\"v1\",\"rep_id\":\"R-7\",\"account_id\":\"A-1\",\"occurred_at\":\"2026-03-05T10:00:00+08:00\",\"data\":{\"visit_id\":\"V-1\",\"mode\":\"onsite\"}}'
    curl -H 'Authorization: Bearer my-key' 'http://127.0.0.1:8081/v1/kpis/visits?from=2026-03-01&to=2026-03-31&grain=month'
  Something does not work:
    tidemark doctor
  Every setting and its meaning:
    tidemark config";

/// Live, exact and explainable KPIs from what a sales organisation does.
///
/// CRM events go through Kafka into projectors that keep KPI aggregates in ClickHouse, answered over HTTP.
#[derive(Parser)]
#[command(version, after_long_help = EXAMPLES, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

/// Which settings and which state.
#[derive(Args)]
pub struct Place {
    /// Settings file [default: ./tidemark.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "TIDEMARK_CONFIG")]
    pub config: Option<PathBuf>,
    /// State directory [default: ./data]
    #[arg(long, global = true, value_name = "DIR", env = "TIDEMARK_STATE")]
    pub state: Option<PathBuf>,
}

impl Place {
    /// What these flags set.
    pub fn overrides(&self) -> Overrides {
        self.state.iter().map(|state| ("state", state.display().to_string())).collect()
    }
}

#[derive(Subcommand)]
pub enum Command {
    /// Run everything in one process tree: Kafka, ClickHouse's engine, ingest, projector, query
    Up(commands::up::Args),
    /// Hear events alone, into the Kafka of the settings
    Ingest,
    /// Add events up alone, from the Kafka into the ClickHouse of the settings
    Project,
    /// Answer alone, from the ClickHouse of the settings
    Query,
    /// Turn the rows of CSV files into events by a mapping and send them to ingest
    Import(commands::import::Args),
    /// Show what a mapping can use (helpers) and make (event types and their fields)
    Mapping(commands::mapping::Args),
    /// List what was refused, mend it, send it again or drop it
    Dead(commands::dead::Args),
    /// Invent a sales organisation and write its events as NDJSON, or send them to ingest
    Simulate(simulate::Args),
    /// Make facts and cells anew by an independent model and name what differs in ClickHouse; safe while events flow
    Verify(commands::verify::Args),
    /// Make all numbers anew from the log with changed definitions, compare them with the live ones, swap
    Rebuild(commands::rebuild::Args),
    /// List the sets of numbers there are, or drop one
    Generations(commands::generations::Args),
    /// Check everything that Tidemark needs and say what to do about what is missing
    Doctor,
    /// Add tenants and their keys
    Tenant(commands::tenant::Args),
    /// Print every setting with its default and its meaning
    Config,
    /// Run ClickHouse's engine alone (what `up` starts as a child process)
    #[command(hide = true)]
    Clickhouse(commands::clickhouse::Args),
}
