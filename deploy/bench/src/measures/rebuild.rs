//! All numbers anew from the log, by `tidemark rebuild`, without live load.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    report::{Goal, Report, Row},
    stand::{PROJECTOR, Stand},
};

const GOAL: f64 = 150_000.0;

/// From the start of the command to its end, with the comparison that it prints; then given up.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    stand.stop(PROJECTOR).await;
    let events = stand.records().await?;
    let started = Instant::now();
    let mut rebuild = stand.stage.tidemark(&["rebuild", "--full-speed"]);
    // Its progress bar is ours.
    rebuild.stderr(std::process::Stdio::inherit()).stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let child = rebuild.spawn().context("cannot start `tidemark rebuild`")?;
    let said = child.wait_with_output().await?;
    let seconds = started.elapsed().as_secs_f64();
    ensure!(said.status.success(), "`tidemark rebuild` failed ({})", said.status);
    let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let what = "every event into a second generation, comparison included";
    report.row(Row::new("rebuild", what, events as f64 / seconds, "events/s").goal(Goal::AtLeast(GOAL)));
    report.detail("rebuild", json!({ "events": events, "seconds": seconds, "said": text }))?;
    let given_up = stand.stage.tidemark(&["rebuild", "--abort"]).output().await?;
    ensure!(given_up.status.success(), "`tidemark rebuild --abort`: {}", String::from_utf8_lossy(&given_up.stderr));
    Ok(())
}
