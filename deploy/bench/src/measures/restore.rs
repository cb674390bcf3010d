//! A projector that lost its state: from its start, with a snapshot in place, until every partition is at the end.

use std::fs;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    report::{Goal, Report, Row},
    stand::{PROJECTOR, Stand},
};

/// Seconds.
const GOAL: f64 = 10.0;
const SAID: &str = "restored: the log is read from position";

/// Stops it, which makes a snapshot, deletes its state and starts it.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    stand.stop(PROJECTOR).await;
    let (state, log) = (stand.stage.state_of(PROJECTOR), stand.stage.log("projector-1"));
    fs::remove_dir_all(&state).with_context(|| state.display().to_string())?;
    let said_before = fs::read_to_string(&log)?.len();
    let started = Instant::now();
    stand.start(PROJECTOR).await?;
    stand.at_the_end().await?;
    let seconds = started.elapsed().as_secs_f64();
    let text = fs::read_to_string(&log)?;
    let restored: Vec<u64> = text[said_before..].lines().filter(|line| line.contains(SAID)).filter_map(milliseconds).collect();
    let note = format!("{} partitions restored, {} ms in all by its log", restored.len(), restored.iter().sum::<u64>());
    report.row(
        Row::new("restore", "without state, from snapshots, until caught up", seconds, "s").goal(Goal::AtMost(GOAL)).note(note),
    );
    report.detail("restore", json!({ "seconds": seconds, "restored_ms": restored, "events": stand.records().await? }))
}

/// The field `ms` of a line of the log.
fn milliseconds(line: &str) -> Option<u64> {
    let value = line.split(" ms=").nth(1)?;
    value.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_how_long_it_took() {
        let line = "2026-01-01T00:00:00Z INFO restored: the log is read from position 7 on partition=0 entries=3 ms=120";
        assert_eq!(milliseconds(line), Some(120));
    }
}
