//! `cargo xtask test`: everything that must pass, in the order in which it fails soonest, with the minutes of each stage.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::fetch::tools;
use crate::process::{cargo, openly};
use crate::{cache, fetch};

type Stage = (&'static str, fn() -> Result<()>);

/// The binaries come before the tests, which start them.
const STAGES: [Stage; 7] = [
    ("fetch", fetch::run),
    ("format", || openly(&mut cargo(&["fmt", "--all", "--check"]))),
    ("build", || openly(&mut cargo(&["build", "--workspace", "--bins"]))),
    ("lints", || openly(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))),
    ("tests", || openly(cargo(&["test", "--workspace", "--no-fail-fast"]).env("TIDEMARK_CACHE", cache::dir()))),
    ("demo", demo_once),
    ("chaos", chaos_briefly),
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

/// The other command of a newcomer, on ports of its own so that a running demo is not in the way.
fn demo_once() -> Result<()> {
    let state = tempfile::tempdir()?;
    let [ingest, projector, query, kafka, clickhouse] = free_addresses()?;
    // Through cargo: the stages before this one may have put a new program in the place of the running one.
    let mut demo = cargo(&["run", "--quiet", "--package", "xtask", "--", "demo", "--once", "--state"]);
    demo.arg(state.path());
    demo.env("TIDEMARK_INGEST__LISTEN", ingest).env("TIDEMARK_PROJECTOR__LISTEN", projector).env("TIDEMARK_QUERY__LISTEN", query);
    demo.env("TIDEMARK_QUERY__POSTGRES_LISTEN", "127.0.0.1:0").env("TIDEMARK_QUERY__FLIGHT_LISTEN", "127.0.0.1:0");
    demo.env("TIDEMARK_KAFKA__BROKERS", kafka).env("TIDEMARK_CLICKHOUSE__URL", format!("http://{clickhouse}"));
    openly(&mut demo)
}

/// A minute of it, at a rate that a dev build keeps up with beside everything else. Only what is wrong fails, nothing slow.
fn chaos_briefly() -> Result<()> {
    openly(&mut cargo(&["run", "--quiet", "--package", "xtask", "--", "chaos", "--minutes", "1", "--rate", "200"]))
}

/// All held until all are known, so that they differ.
fn free_addresses<const N: usize>() -> Result<[String; N]> {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0"));
    let addresses: Vec<String> =
        held.into_iter().map(|listener| Ok(listener?.local_addr()?.to_string())).collect::<Result<_>>()?;
    addresses.try_into().map_err(|_| anyhow!("as many addresses as listeners"))
}

fn report(took: &[(&str, Duration)]) {
    eprintln!("== minutes");
    for (name, duration) in took {
        eprintln!("  {name:<8}{:6.1}", duration.as_secs_f64() / 60.0);
    }
    let all: Duration = took.iter().map(|(_, duration)| *duration).sum();
    eprintln!("  {:<8}{:6.1}", "all", all.as_secs_f64() / 60.0);
}
