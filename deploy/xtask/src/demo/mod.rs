//! `cargo xtask demo`: the whole product on this machine, with something in it and a few answers out of it.

mod companies;
mod feed;
mod questions;
mod up;

use std::path::PathBuf;

use anyhow::Result;

use crate::fetch::{self, tools};
use crate::process;
use up::Up;

/// What the demo is asked for.
#[derive(clap::Args)]
pub struct Args {
    /// Import every public export that lies in this directory and has a shipped mapping, instead of simulating a sales organisation
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// State directory [default: data/demo, or data/demo-import with --data]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Answer and stop, instead of staying up until Ctrl-C
    #[arg(long)]
    once: bool,
}

/// Fetches, builds, starts, feeds, asks.
pub fn run(args: &Args) -> Result<()> {
    let feeds = feed::choose(args.data.as_deref())?;
    tools::require_compiler()?;
    fetch::run()?;
    eprintln!("building (the first time takes about 10 minutes) ...");
    process::built(false)?;
    let name = feeds.first().map_or("demo", |feed| feed.state());
    let state = args.state.clone().unwrap_or_else(|| process::workspace().join("data").join(name));
    let up = Up::start(&state, &feeds)?;
    let positions = feeds.iter().map(|feed| feed.send(&state)).collect::<Result<Vec<_>>>()?;
    for (feed, position) in feeds.iter().zip(&positions) {
        questions::ask(&up.query, feed, position)?;
    }
    if args.once {
        return up.stop();
    }
    println!("\nEverything stays up until Ctrl-C; the next demo continues with {}.", state.display());
    up.wait()
}
