//! A run as one sentence: start the servers, measure one thing after the other, print the table, write the file.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::{Args, Measure},
    machine,
    measures::{alone, catchup, freshness, growth, ingest, memory, query, rebuild, restore, up},
    report::Report,
    stand::Stand,
};

/// Runs what was asked for; everything that it started has ended afterwards.
pub async fn run(args: Args) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut report = Report::new(&args, machine::describe());
    let results = results_file(&args);
    let mut stand = Stand::prepare(args)?;
    let outcome = tokio::select! {
        outcome = measure(&mut stand, &mut report) => outcome,
        _ = interrupt.recv() => Err(anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow!("interrupted")),
    };
    stand.end().await;
    // What was measured before something went wrong is worth seeing.
    println!("{report}");
    outcome?;
    if let Some(file) = results {
        fs::write(&file, report.json()?).with_context(|| file.display().to_string())?;
        println!("every figure is in {}", file.display());
    }
    Ok(())
}

/// A part of the measures does not replace the figures of all.
fn results_file(args: &Args) -> Option<PathBuf> {
    let all = || args.measures.is_empty().then(|| PathBuf::from("deploy/bench/results.json"));
    args.results.clone().or_else(all)
}

async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    let asked: BTreeSet<Measure> = stand.args.measures.iter().copied().collect();
    stand.start_servers().await?;
    for measure in Measure::value_variants() {
        if !asked.is_empty() && !asked.contains(measure) {
            continue;
        }
        let done = match measure {
            Measure::Catchup => catchup::measure(stand, report).await,
            Measure::Growth => growth::measure(stand, report).await,
            Measure::Memory => memory::measure(stand, report).await,
            Measure::Ingest => ingest::measure(stand, report).await,
            Measure::Query => query::measure(stand, report).await,
            Measure::Freshness => freshness::measure(stand, report).await,
            Measure::Restore => restore::measure(stand, report).await,
            Measure::Rebuild => rebuild::measure(stand, report).await,
            Measure::Up => up::measure(stand, report).await,
            Measure::Alone => alone::measure(stand, report).await,
        };
        done.with_context(|| format!("{measure:?} could not be measured").to_lowercase())?;
    }
    Ok(())
}
