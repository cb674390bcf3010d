//! From a full log to the last visible cell, and the same log read by ClickHouse's own Kafka engine.

use anyhow::{Result, bail, ensure};
use serde_json::json;

use super::pair;
use crate::{
    report::{Goal, Report, Row},
    stand::{PROJECTOR, Stand},
};

const GOAL: f64 = 1.0;
/// A pair that is slower was not set up as a user would, or the machine was busy.
const PAIR_AT_LEAST: f64 = 80_000.0;
/// Positions that readers see, added up.
const VISIBLE: &str = include_str!("visible.sql");

/// Both, one after the other.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.caught_up(report).await?;
    let Some(ours) = &stand.catch_up else { bail!("nothing was caught up") };
    let (seconds, events, usage) = (ours.seconds, ours.events, ours.usage.clone());
    report.detail("catchup", json!({ "seconds": seconds, "events": events, "usage": usage, "samples": ours.samples }))?;
    let visible = stand.engine().number(VISIBLE).await?;
    ensure!(visible == events, "{visible} of {events} events are visible though the projector says that it is done");

    stand.stop(PROJECTOR).await;
    let theirs = pair::read(stand, events).await?;
    report.detail("catchup_pair", &theirs)?;
    let (our_rate, their_rate) = (events as f64 / seconds, events as f64 / theirs.seconds);
    let costs = usage.iter().map(|(name, usage)| format!("{name} {:.1}", usage.cpu_s)).collect::<Vec<_>>().join(", ");
    report.row(
        Row::new("catchup", "full log to last visible cell", our_rate, "events/s")
            .pair(their_rate)
            .note(format!("processor seconds of {seconds:.1} s: {costs}")),
    );
    let ratio = Row::new("catchup", "ours / ClickHouse's Kafka engine", our_rate / their_rate, "").goal(Goal::AtLeast(GOAL));
    report.row(if their_rate < PAIR_AT_LEAST { ratio.note("VOID: the pair is below 80,000 events/s") } else { ratio });
    Ok(())
}
