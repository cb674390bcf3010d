//! From the 2xx of an event to the answer that holds it, while others are sent at a steady rate.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tidemark_stage::Target;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    load::{Sender, visit},
    report::{Goal, Report, Row, quantile},
    stand::Stand,
};

/// Milliseconds.
const P50_GOAL: f64 = 100.0;
const P99_GOAL: f64 = 300.0;
/// Bodies a second that the load comes in.
const BODIES_PER_SECOND: u32 = 20;
const PROBE_EVERY: Duration = Duration::from_millis(200);
/// Bodies and probes that wait for their answers at one time; beyond it the rate is not kept, which is said.
const OPEN_MAX: usize = 256;

/// Sends, probes, waits.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    stand.start(Target::Ingest).await?;
    stand.start(Target::Query).await?;
    let (rate, seconds) = (stand.args.fresh_rate, stand.args.fresh_seconds);
    let progress = stand.progress("seconds of steady load", seconds);
    let sender = Sender::new(&stand.stage.ingest())?;
    let (started, length) = (Instant::now(), Duration::from_secs(seconds));
    let (mut bodies, mut probes) = (interval(Duration::from_secs(1) / BODIES_PER_SECOND), interval(PROBE_EVERY));
    bodies.set_missed_tick_behavior(MissedTickBehavior::Burst);
    probes.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut load, mut waiting, mut latencies, mut number) = (JoinSet::new(), JoinSet::new(), Vec::new(), 0_u64);
    while started.elapsed() < length {
        tokio::select! {
            _ = bodies.tick(), if load.len() < OPEN_MAX => {
                let key = stand.companies[(number % stand.companies.len() as u64) as usize].key.clone();
                let events = u64::from(rate / BODIES_PER_SECOND);
                load.spawn(send(sender.clone(), key, number, events));
                number += 1;
            }
            _ = probes.tick(), if waiting.len() < OPEN_MAX => {
                let key = stand.companies[(number % stand.companies.len() as u64) as usize].key.clone();
                waiting.spawn(probe(sender.clone(), stand.client.clone(), stand.stage.query(), key, number));
                number += 1;
            }
            Some(sent) = load.join_next() => sent??,
            Some(seen) = waiting.join_next() => latencies.push((started.elapsed().as_secs(), seen??)),
        }
        progress.set_position(started.elapsed().as_secs());
    }
    while let Some(sent) = load.join_next().await {
        sent??;
    }
    while let Some(seen) = waiting.join_next().await {
        latencies.push((started.elapsed().as_secs(), seen??));
    }
    progress.finish_and_clear();
    let slowest = slowest(&latencies);
    let mut latencies: Vec<f64> = latencies.into_iter().map(|(_, latency)| latency).collect();
    let (p50, p99) = (quantile(&mut latencies, 0.5), quantile(&mut latencies, 0.99));
    let what = format!("2xx to visible at {rate} events/s, {} probes", latencies.len());
    report.row(Row::new("freshness", format!("{what}, p50"), p50, "ms").goal(Goal::AtMost(P50_GOAL)));
    report.row(Row::new("freshness", format!("{what}, p99"), p99, "ms").goal(Goal::AtMost(P99_GOAL)));
    report.detail(
        "freshness",
        json!({
            "probes": latencies.len(),
            "p50_ms": p50,
            "p99_ms": p99,
            "rate": rate,
            "seconds": seconds,
            "slowest_ms_of_each_second": slowest,
        }),
    )
}

/// The slowest probe that ended in each second of the load: whether a bad p99 is one pause or many.
fn slowest(latencies: &[(u64, f64)]) -> Vec<u64> {
    let seconds = latencies.iter().map(|(second, _)| second + 1).max().unwrap_or(0);
    let of = |second| latencies.iter().filter(move |(at, _)| *at == second).map(|(_, ms)| *ms as u64).max().unwrap_or(0);
    (0..seconds).map(of).collect()
}

async fn send(sender: Sender, key: String, number: u64, events: u64) -> Result<()> {
    let line = |event| visit("fresh", number * events + event, event % 100 + 1, "2025-02-15T10:00:00+08:00") + "\n";
    let lines: String = (0..events).map(line).collect();
    sender.post(&key, lines.into(), events).await.map(drop)
}

/// Milliseconds from the 2xx of one event to the answer that has it.
async fn probe(sender: Sender, client: reqwest::Client, query: String, key: String, number: u64) -> Result<f64> {
    let line = visit("probe", number, 1, "2025-02-15T10:00:00+08:00");
    let position = sender.post(&key, line.into(), 1).await?.position.context("ingest gave no position")?;
    let acknowledged = Instant::now();
    let url = format!("{query}/v1/kpis/visits?from=2025-02-01&to=2025-02-28&after={position}");
    let answer = client.get(url).bearer_auth(key).send().await?;
    let status = answer.status();
    let body = answer.text().await?;
    ensure!(status.is_success(), "query answered {status} to a probe: {body}");
    Ok(acknowledged.elapsed().as_secs_f64() * 1_000.0)
}
