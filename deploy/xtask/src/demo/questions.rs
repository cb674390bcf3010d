//! A few questions to the query service, as anybody would ask them with curl.

use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::feed::{Feed, KEY};

/// From the last event sent to its number, in a debug build on a busy laptop.
const COUNTED_WITHIN: Duration = Duration::from_secs(300);
/// Of one answer; the rest is counted.
const SHOWN_ROWS_MAX: usize = 6;

/// Asks about everything up to `position` and prints the answers.
pub fn ask(query: &str, feed: &Feed, position: &str) -> Result<()> {
    let (from, to) = feed.period();
    println!("\nEverything up to position {position}, {from} to {to}{}:", feed.mark());
    for (kpi, how) in feed.questions() {
        let path = format!("/v1/kpis/{kpi}?from={from}&to={to}&{how}");
        let answer = get(&format!("{query}{path}&after={position}")).with_context(|| path.clone())?;
        print_answer(&path, &answer);
    }
    println!("\nAsk yourself:\n  curl -H 'Authorization: Bearer {KEY}' '{query}/v1/kpis'");
    Ok(())
}

/// `after=` waits for some seconds only; a busy machine may need more, and is asked again.
fn get(url: &str) -> Result<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let deadline = Instant::now() + COUNTED_WITHIN;
    loop {
        let mut answer = agent.get(url).header("Authorization", format!("Bearer {KEY}")).call()?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string()?;
        if status.is_success() {
            return serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"));
        }
        if !status.is_server_error() || Instant::now() > deadline {
            bail!("{status}: {text}");
        }
        eprintln!("  not all events are counted yet ...");
        thread::sleep(Duration::from_secs(1));
    }
}

/// One line a row: the period and every dimension, then the value.
fn print_answer(path: &str, answer: &Value) {
    println!("\n  GET {path}");
    let rows = answer["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows.iter().take(SHOWN_ROWS_MAX) {
        let dims = row.as_object().into_iter().flatten().filter(|(name, _)| !["period", "value"].contains(&name.as_str()));
        let keys: Vec<String> = iter::once(&row["period"]).chain(dims.map(|(_, value)| value)).map(shown).collect();
        println!("    {:<40} {:>16}", keys.join("  "), shown(&row["value"]));
    }
    if rows.len() > SHOWN_ROWS_MAX {
        println!("    ... and {} more", rows.len() - SHOWN_ROWS_MAX);
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
