//! Resident memory: idle on all the data after a fresh start and a rest, and the most of the catch-up.

use std::time::Duration;

use anyhow::Result;
use tidemark_stage::Target;
use tokio::time::sleep;

use crate::{
    report::{Goal, Report, Row},
    stand::{PROJECTOR, Stand},
};

/// MiB, ours together.
const IDLE_GOAL: f64 = 150.0;
const OURS: [(&str, Target); 3] = [("ingest", Target::Ingest), ("projector", PROJECTOR), ("query", Target::Query)];

/// Starts everything anew and lets it rest.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    for (_, target) in OURS {
        stand.stop(target).await;
    }
    for (_, target) in OURS {
        stand.start(target).await?;
    }
    stand.at_the_end().await?;
    sleep(Duration::from_secs(stand.args.rest_seconds)).await;
    let idle = stand.usages().await?;
    let ours: f64 = OURS.iter().filter_map(|(name, _)| idle.get(name)).map(|usage| usage.resident_mib).sum();
    report.row(Row::new("memory", "ingest, projector and query together, idle", ours, "MiB").goal(Goal::AtMost(IDLE_GOAL)));
    for (name, usage) in idle.iter().filter(|(name, _)| **name != "bench") {
        report.row(Row::new("memory", format!("{name}, idle"), usage.resident_mib, "MiB"));
    }
    let catch_up = stand.catch_up.as_ref().map(|catch_up| &catch_up.usage);
    for (name, usage) in catch_up.into_iter().flatten().filter(|(name, _)| **name != "bench") {
        report.row(Row::new("memory", format!("{name}, at most during the catch-up"), usage.resident_mib, "MiB"));
    }
    report.detail("memory_idle", idle)
}
