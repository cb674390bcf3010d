//! A few questions to the query service, as anybody would ask them with curl.

use anyhow::{Context, Result};
use serde_json::Value;

use super::feed::{Feed, KEY};

const QUERY: &str = "http://127.0.0.1:8081";
/// Of one answer; the rest is counted.
const SHOWN_ROWS_MAX: usize = 6;

/// Asks about everything up to `position` and prints the answers.
pub fn ask(feed: &Feed, position: &str) -> Result<()> {
    let (from, to) = feed.period();
    println!("\nEverything up to position {position}, {from} to {to}{}:", feed.mark());
    for (kpi, how) in feed.questions() {
        let path = format!("/v1/kpis/{kpi}?from={from}&to={to}&{how}");
        let answer = get(&format!("{QUERY}{path}&after={position}")).with_context(|| path.clone())?;
        print_answer(&path, &answer);
    }
    println!("\nAsk yourself:\n  curl -H 'Authorization: Bearer {KEY}' '{QUERY}/v1/kpis'");
    Ok(())
}

fn get(url: &str) -> Result<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(url).header("Authorization", format!("Bearer {KEY}")).call()?;
    let status = answer.status();
    let text = answer.body_mut().read_to_string()?;
    anyhow::ensure!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
}

/// One line a row: the period and every dimension, then the value.
fn print_answer(path: &str, answer: &Value) {
    println!("\n  GET {path}");
    let rows = answer["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows.iter().take(SHOWN_ROWS_MAX) {
        let fields = row.as_object().into_iter().flatten();
        let (values, keys): (Vec<_>, Vec<_>) = fields.partition(|(name, _)| *name == "value");
        let shown = |(_, value): (&String, &Value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let keys: Vec<String> = keys.into_iter().map(shown).collect();
        let values: Vec<String> = values.into_iter().map(shown).collect();
        println!("    {:<40} {:>16}", keys.join("  "), values.join(" "));
    }
    if rows.len() > SHOWN_ROWS_MAX {
        println!("    ... and {} more", rows.len() - SHOWN_ROWS_MAX);
    }
}
