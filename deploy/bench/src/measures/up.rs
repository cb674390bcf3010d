//! `tidemark up` on existing data: from its start to the first answer.

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    report::{Goal, Report, Row},
    stand::Stand,
};

/// Seconds.
const GOAL: f64 = 10.0;

/// Ends everything, starts everything in one process tree, asks.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    let ending = Instant::now();
    stand.end().await;
    let ended = ending.elapsed().as_secs_f64();
    let key = stand.companies.first().context("no company")?.key.clone();
    let url = format!("{}/v1/kpis/visits?from=2025-01-01&to=2025-12-31&grain=month", stand.stage.query());
    let started = Instant::now();
    stand.start_everything()?;
    stand.stage.answers_to(&stand.client, &url, &key).await?;
    let seconds = started.elapsed().as_secs_f64();
    report.row(Row::new("up", "`tidemark up` on existing data to the first answer", seconds, "s").goal(Goal::AtMost(GOAL)));
    report.detail("up", json!({ "seconds": seconds, "end_before_seconds": ended }))
}
