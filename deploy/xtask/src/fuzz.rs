//! `cargo xtask fuzz`: every fuzzer for some minutes, one after the other; in `cargo xtask test` they run for seconds.

use anyhow::{Result, bail};

use crate::process::{cargo, openly};

/// Crate and target, as their tests are called.
const TARGETS: [(&str, &str); 8] = [
    ("tidemark-ingest", "json"),
    ("tidemark-ingest", "ndjson"),
    ("tidemark-ingest", "cloud_events"),
    ("tidemark-ingest", "csv"),
    ("tidemark-ingest", "jq"),
    ("tidemark-projector", "avro"),
    ("tidemark-query", "sql"),
    ("tidemark-query", "wire"),
];

/// How long, and which.
#[derive(clap::Args)]
pub struct Args {
    /// Minutes of each target
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    minutes: f64,
    /// Only these: json, ndjson, cloud_events, csv, jq, avro, sql, wire [default: all]
    #[arg(value_name = "TARGET")]
    only: Vec<String>,
}

/// Runs the targets; the first that finds something ends it, and shows the case.
pub fn run(args: &Args) -> Result<()> {
    if let Some(unknown) = args.only.iter().find(|name| TARGETS.iter().all(|(_, target)| target != name)) {
        bail!("there is no fuzzer {unknown:?}: {}", TARGETS.map(|(_, target)| target).join(", "));
    }
    let chosen = TARGETS.iter().filter(|(_, target)| args.only.is_empty() || args.only.iter().any(|only| only == target));
    for (package, target) in chosen {
        eprintln!("== fuzzing {target} for {} minutes", args.minutes);
        let test = format!("fuzz::{target}");
        let mut tests = cargo(&["test", "--quiet", "--package", package, "--test", "it", "--", &test, "--exact", "--nocapture"]);
        openly(tests.env("FUZZ_SECONDS", (args.minutes * 60.0).to_string()))?;
    }
    Ok(())
}
