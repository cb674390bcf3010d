//! What is sent: histories of simulated organisations, one file each, made by the product's own `tidemark simulate`.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use tidemark_stage::{Stage, company::CURRENCY};

use crate::args::Args;

/// First day of every history.
pub const FROM: &str = "2025-01-01";
/// Where all organisations work: one simulation has one time zone.
pub const TIME_ZONE: &str = "Asia/Shanghai";
/// What is entered this long after it happened is late.
const LATE_MS: i64 = 24 * 3_600_000;

/// Makes the files, one per company, in their order.
pub async fn make(stage: &Stage, args: &Args) -> Result<Vec<PathBuf>> {
    let (events, reps) = (args.events.div_ceil(u64::from(args.tenants)), args.reps.div_ceil(args.tenants));
    let output = stage.file("events.ndjson");
    let mut simulate = stage.tidemark(&["simulate", "--from", FROM, "--time-zone", TIME_ZONE, "--currency", CURRENCY]);
    let numbers =
        [("--tenants", u64::from(args.tenants)), ("--events", events), ("--reps", reps.into()), ("--days", args.days.into())];
    for (flag, number) in numbers {
        simulate.arg(flag).arg(number.to_string());
    }
    // Its progress bar is ours.
    let done = simulate.arg("--output").arg(&output).kill_on_drop(true).status().await;
    ensure!(done.context("cannot start `tidemark simulate`")?.success(), "`tidemark simulate` failed");
    if args.tenants == 1 {
        return Ok(vec![output]);
    }
    Ok((1..=args.tenants).map(|tenant| stage.file(&format!("events-{tenant}.ndjson"))).collect())
}

/// What one company's history is made of, parts of 1.
#[derive(Debug, Default, Serialize)]
pub struct Shares {
    events: u64,
    duplicates: f64,
    corrections: f64,
    retractions: f64,
    late: f64,
    types: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    r#type: Option<String>,
    event_id: String,
    revision: i64,
    #[serde(default)]
    retracted: bool,
    occurred_at: Option<String>,
    recorded_at: Option<String>,
}

/// Counts them.
pub fn shares(file: &Path) -> Result<Shares> {
    let (mut shares, mut seen) = (Shares::default(), HashSet::new());
    for line in BufReader::new(File::open(file)?).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        shares.events += 1;
        shares.late += f64::from(u8::from(is_late(&line)));
        shares.retractions += f64::from(u8::from(line.retracted));
        let is_new = seen.insert((line.event_id, line.revision));
        shares.duplicates += f64::from(u8::from(!is_new));
        shares.corrections += f64::from(u8::from(is_new && line.revision > 0 && !line.retracted));
        *shares.types.entry(line.r#type.unwrap_or_else(|| "event.retracted".to_owned())).or_default() += 1.0;
    }
    let Shares { events, duplicates, corrections, retractions, late, types } = &mut shares;
    let counts = [duplicates, corrections, retractions, late].into_iter().chain(types.values_mut());
    counts.for_each(|count| *count /= (*events).max(1) as f64);
    Ok(shares)
}

fn is_late(line: &Line) -> bool {
    let at = |text: &Option<String>| Some(DateTime::parse_from_rfc3339(text.as_deref()?).ok()?.timestamp_millis());
    matches!((at(&line.occurred_at), at(&line.recorded_at)), (Some(occurred), Some(recorded)) if recorded - occurred >= LATE_MS)
}
