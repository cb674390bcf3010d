//! `cargo xtask bench`: builds the release of everything and lets `deploy/bench` measure it.

use std::process::Command;

use anyhow::{Context, Result};

use crate::fetch::{self, tools};
use crate::process::{self, cargo, openly};

/// Fetches, builds, measures; the flags were read for `--help` and typing errors, and are the measuring program's.
pub fn run() -> Result<()> {
    tools::require_compiler()?;
    fetch::run()?;
    openly(&mut cargo(&["build", "--quiet", "--release", "--workspace", "--bins"]))?;
    let profiles = process::binaries()?.parent().context("binaries lie in no directory")?.to_owned();
    let mut bench = Command::new(profiles.join("release").join("tidemark-bench"));
    // Behind this program's name and the command's.
    bench.args(std::env::args_os().skip(2)).current_dir(process::workspace());
    openly(&mut bench)
}
