//! Events over HTTP into the log: in batches, which the filling of the log measures, and one by one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;
use tidemark_stage::Target;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    load::{Sender, visit},
    report::{Goal, Report, Row, quantile},
    stand::{PROJECTOR, Stand},
    usage,
};

const SINGLE_GOAL: f64 = 5_000.0;

/// Batches, where they are not in yet; then single events, each waiting for its answer.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.fill(report).await?;
    stand.stop(PROJECTOR).await;
    stand.stop(Target::Query).await;
    stand.start(Target::Ingest).await?;
    let seconds = stand.args.single_seconds;
    let progress = stand.progress("seconds of single events", seconds);
    let before = stand.usages().await?;
    let (started, number) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let until = started + Duration::from_secs(seconds);
    let mut senders = JoinSet::new();
    let keys: Arc<[String]> = stand.companies.iter().map(|company| company.key.clone()).collect();
    for _ in 0..stand.args.single_connections {
        senders.spawn(send(Sender::new(&stand.stage.ingest())?, keys.clone(), number.clone(), until));
    }
    for second in 1..=seconds {
        sleep_until(started + Duration::from_secs(second)).await;
        progress.inc(1);
    }
    let mut latencies = Vec::new();
    while let Some(sent) = senders.join_next().await {
        latencies.extend(sent.context("a sender failed")??);
    }
    let took = started.elapsed().as_secs_f64();
    progress.finish_and_clear();
    let usage = usage::between(&before, &[stand.usages().await?]);
    let rate = latencies.len() as f64 / took;
    let (p50, p99) = (quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99));
    let what = format!("single events, {} connections, acks=all", stand.args.single_connections);
    let note = format!("p50 {p50:.1} ms, p99 {p99:.1} ms");
    report.row(Row::new("ingest", what, rate, "requests/s").goal(Goal::AtLeast(SINGLE_GOAL)).note(note));
    report.detail(
        "ingest_single",
        json!({ "requests": latencies.len(), "seconds": took, "p50_ms": p50, "p99_ms": p99, "usage": usage }),
    )
}

/// Milliseconds of each request.
async fn send(sender: Sender, keys: Arc<[String]>, number: Arc<AtomicU64>, until: Instant) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let key = &keys[(number % keys.len() as u64) as usize];
        let line = visit("single", number, 1, "2025-01-15T10:00:00+08:00");
        let asked = Instant::now();
        sender.post(key, line.into(), 1).await?;
        latencies.push(asked.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(latencies)
}
