//! Whether counting gets slower as the state grows: the first events of a catch-up against its last.

use anyhow::{Result, bail};
use serde_json::json;

use crate::{
    report::{Goal, Report, Row},
    stand::Stand,
};

const GOAL: f64 = 0.8;

/// From the samples of the catch-up.
pub async fn measure(stand: &mut Stand, report: &mut Report) -> Result<()> {
    if stand.catch_up.is_none() {
        stand.caught_up(report).await?;
    }
    let Some(catch_up) = &stand.catch_up else { bail!("nothing was caught up") };
    let window = stand.args.growth_window.min(catch_up.events / 2);
    // What joining the group took is no rate.
    let counting: Vec<(f64, u64)> = catch_up.samples.iter().copied().filter(|(_, events)| *events > 0).collect();
    let (Some(begin), Some(end)) = (counting.first(), counting.last()) else { bail!("the catch-up has no samples") };
    let first = rate(*begin, (time_of(&counting, begin.1 + window), begin.1 + window));
    let last = rate((time_of(&counting, end.1 - window), end.1 - window), *end);
    report.detail("growth", json!({ "window": window, "first_per_second": first, "last_per_second": last }))?;
    let what = format!("last {window} events of a catch-up / first");
    report.row(
        Row::new("growth", what, last / first, "").goal(Goal::AtLeast(GOAL)).note(format!("{first:.0}/s, then {last:.0}/s")),
    );
    Ok(())
}

fn rate(from: (f64, u64), to: (f64, u64)) -> f64 {
    (to.1 - from.1) as f64 / (to.0 - from.0)
}

/// When so many were counted, between two samples on a straight line.
fn time_of(samples: &[(f64, u64)], events: u64) -> f64 {
    let after = samples.partition_point(|sample| sample.1 < events);
    match (after.checked_sub(1).and_then(|before| samples.get(before)), samples.get(after)) {
        (Some(before), Some(after)) => before.0 + (after.0 - before.0) * (events - before.1) as f64 / (after.1 - before.1) as f64,
        (_, Some(only)) | (Some(only), None) => only.0,
        (None, None) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_between_samples() {
        let samples = [(1.0, 100), (2.0, 300), (3.0, 400)];
        assert_eq!([100, 200, 400].map(|events| time_of(&samples, events)), [1.0, 1.5, 3.0]);
    }
}
