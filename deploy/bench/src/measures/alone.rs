//! The catch-up of a log that is all one company's: its events are in one partition and are counted one after the other.

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    args::Args,
    machine,
    report::{Report, Row},
    stand::Stand,
};

/// Of the events of the other measures: one partition of eight would be as many.
const PART: u64 = 8;
const EVENTS_MIN: u64 = 10_000;

/// On servers of its own, when those of the other measures have ended.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    stand.end().await;
    let events = (stand.args.events / PART).max(EVENTS_MIN);
    let args = Args { tenants: 1, reps: stand.args.reps.div_ceil(stand.args.tenants), events, ..stand.args.clone() };
    // What filling its log says is said by the other one's.
    let mut aside = Report::new(&args, machine::describe());
    let mut alone = Stand::prepare(args)?;
    let counted = count(&mut alone, &mut aside).await;
    alone.end().await;
    counted?;
    let catch_up = alone.catch_up.as_ref().context("nothing was caught up")?;
    let rate = catch_up.events as f64 / catch_up.seconds;
    let costs = catch_up.usage.iter().map(|(name, usage)| format!("{name} {:.1}", usage.cpu_s)).collect::<Vec<_>>().join(", ");
    let note = format!("{} events, processor seconds of {:.1} s: {costs}", catch_up.events, catch_up.seconds);
    report.row(Row::new("alone", "one company alone, one partition", rate, "events/s").note(note));
    report.detail("alone", json!({ "seconds": catch_up.seconds, "events": catch_up.events, "usage": catch_up.usage }))
}

async fn count(alone: &mut Stand, aside: &mut Report) -> Result<()> {
    alone.start_servers().await?;
    alone.caught_up(aside).await
}
