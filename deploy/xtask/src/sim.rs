//! `cargo xtask sim`: builds the simulator (`projector/simulator`) in release and runs it.

use std::process::Command;

use anyhow::Result;

use crate::{
    fetch::tools,
    process::{built, openly},
};

/// What the simulator is asked for.
#[derive(clap::Args)]
pub struct Args {
    /// How many seeds to run
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Switch one protection of the projector off by its name; the run should then fail
    #[arg(long)]
    sabotage: Option<String>,
}

/// Builds and runs; fails if a seed does.
pub fn run(args: &Args) -> Result<()> {
    tools::require_compiler()?;
    let mut simulator = Command::new(built(true)?.join("tidemark-sim"));
    simulator.args(["--seeds", &args.seeds.to_string(), "--from", &args.from.to_string()]);
    simulator.args(args.sabotage.iter().flat_map(|name| ["--sabotage", name]));
    openly(&mut simulator)
}
