//! `cargo xtask bench`: builds the release of everything and lets `deploy/bench` measure it.

use std::process::Command;

use anyhow::Result;

use crate::fetch::{self, tools};
use crate::process::{self, openly};

/// Fetches, builds, measures; the flags were read for `--help` and typing errors, and are the measuring program's.
pub fn run() -> Result<()> {
    tools::require_compiler()?;
    fetch::run()?;
    let mut bench = Command::new(process::built(true)?.join("tidemark-bench"));
    // Behind this program's name and the command's.
    bench.args(std::env::args_os().skip(2)).current_dir(process::workspace());
    openly(&mut bench)
}
