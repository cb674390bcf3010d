//! `cargo xtask chaos`: builds the product and its tormentor (`deploy/chaos`) and lets the one loose on the other.

use std::process::Command;

use anyhow::Result;

use crate::fetch::{self, tools};
use crate::process::{built, openly};

/// What the campaign is asked for.
#[derive(clap::Args)]
pub struct Args {
    /// How long events are sent and processes are killed; the end takes what catching up and comparing takes
    #[arg(long, default_value_t = 20.0)]
    minutes: f64,
    /// What decides which events are sent, what happens to which process and what is asked
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events per second
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// Build and torment the release build, which a high rate needs (its first build takes long)
    #[arg(long)]
    release: bool,
    /// Keep the directory with the logs, the state and the tables
    #[arg(long)]
    keep: bool,
}

/// Fetches, builds, torments; fails if anything was wrong.
pub fn run(args: &Args) -> Result<()> {
    tools::require_compiler()?;
    fetch::run()?;
    let mut chaos = Command::new(built(args.release)?.join("tidemark-chaos"));
    chaos.args(["--minutes", &args.minutes.to_string(), "--seed", &args.seed.to_string(), "--rate", &args.rate.to_string()]);
    chaos.args(args.keep.then_some("--keep"));
    openly(&mut chaos)
}
