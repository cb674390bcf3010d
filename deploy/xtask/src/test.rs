//! `cargo xtask test`: everything that must pass, in the order in which it fails soonest, with the minutes of each stage.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::fetch::tools;
use crate::process::{cargo, openly};
use crate::{cache, fetch};

type Stage = (&'static str, fn() -> Result<()>);

/// The binaries come before the tests, which start them.
const STAGES: [Stage; 5] = [
    ("fetch", fetch::run),
    ("format", || openly(&mut cargo(&["fmt", "--all", "--check"]))),
    ("build", || openly(&mut cargo(&["build", "--package", "tidemark", "--package", "clickhouse-embedded", "--bins"]))),
    ("lints", || openly(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))),
    ("tests", || openly(cargo(&["test", "--workspace"]).env("TIDEMARK_CACHE", cache::dir()))),
];

/// Runs all stages; stops at the first that fails.
pub fn run() -> Result<()> {
    tools::require_compiler()?;
    let mut took = Vec::new();
    for (name, stage) in STAGES {
        eprintln!("== {name}");
        let started = Instant::now();
        let result = stage();
        took.push((name, started.elapsed()));
        if result.is_err() {
            report(&took);
            return result;
        }
    }
    report(&took);
    Ok(())
}

fn report(took: &[(&str, Duration)]) {
    eprintln!("== minutes");
    for (name, duration) in took {
        eprintln!("  {name:<8}{:6.1}", duration.as_secs_f64() / 60.0);
    }
    let all: Duration = took.iter().map(|(_, duration)| *duration).sum();
    eprintln!("  {:<8}{:6.1}", "all", all.as_secs_f64() / 60.0);
}
