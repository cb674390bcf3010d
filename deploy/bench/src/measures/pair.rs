//! What a user would pick instead: ClickHouse's own Kafka engine and a materialized view into a SummingMergeTree. It knows no
//! duplicates, no corrections and no deals; it only adds up.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;
use tidemark_stage::Target;
use tokio::time::{Instant, sleep};

use crate::{
    stand::Stand,
    usage::{self, Usages},
};

const STATEMENTS: &str = include_str!("pair.sql");
const READ: &str = "SELECT sum(events) FROM pair.daily";
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Longest without a new row: its consumers take seconds to join.
const SILENT_MAX: Duration = Duration::from_secs(120);

/// How it went.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// From its start to its last row.
    pub seconds: f64,
    /// From its first rows on: what joining the group and the first block took is not in it.
    pub events_per_second_once_started: f64,
    pub usage: Usages,
}

/// Lets it read the whole log; nothing of it stays.
pub async fn read(stand: &mut Stand, events: u64) -> Result<Pair> {
    // Its schema registry.
    stand.start(Target::Ingest).await?;
    let (before, engine) = (stand.usages().await?, stand.engine());
    let statements = STATEMENTS
        .replace("{brokers}", &stand.stage.brokers())
        .replace("{registry}", &stand.stage.ingest())
        .replace("{consumers}", &stand.args.pair_consumers.to_string());
    let progress = stand.progress("events added up by ClickHouse alone", events);
    let started = Instant::now();
    for statement in statements.split(";\n") {
        engine.run(statement).await?;
    }
    let (mut read, mut first, mut last_news) = (0, None, started);
    while read < events {
        sleep(LOOK_EVERY).await;
        let now = engine.number(READ).await?;
        if now > read {
            last_news = Instant::now();
            first = first.or(Some((last_news, now)));
        }
        read = now;
        progress.set_position(read);
        ensure!(last_news.elapsed() < SILENT_MAX, "ClickHouse's Kafka engine stands still at {read} of {events} events");
    }
    let seconds = started.elapsed().as_secs_f64();
    progress.finish_and_clear();
    // It may read one twice, which is its users' to bear; never one less.
    let rate = first.map_or(f64::NAN, |(at, count)| (read - count) as f64 / at.elapsed().as_secs_f64());
    let usage = usage::between(&before, &[stand.usages().await?]);
    engine.run("DROP DATABASE pair SYNC").await?;
    Ok(Pair { seconds, events_per_second_once_started: rate, usage })
}
