//! A few questions to the query service, as anybody would ask them with curl.

use std::iter;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::companies::Question;
use super::feed::Feed;

/// From the last event sent to its number, in a debug build on a busy laptop.
const COUNTED_WITHIN: Duration = Duration::from_secs(300);
/// Of one answer; the rest is counted.
const SHOWN_ROWS_MAX: usize = 6;

/// Asks about everything of a company up to `position` and prints the answers.
pub fn ask(query: &str, feed: &Feed, position: &str) -> Result<()> {
    let key = feed.company.key();
    println!("\n{}: everything up to position {position}{}", feed.company.name, feed.mark());
    for question in feed.company.questions {
        match question {
            Question::Kpi(kpi) => {
                let path = format!("/v1/kpis/{kpi}");
                let answer = get(&format!("{query}{path}&after={position}"), &key).with_context(|| path.clone())?;
                println!("\n  GET {path}");
                print_rows(&answer);
            }
            Question::Sql(sql) => {
                // It does not wait for a position; a KPI does.
                get(&format!("{query}/v1/kpis/visits?after={position}"), &key)?;
                println!("\n  POST /v1/sql {sql}");
                print_rows(&post(&format!("{query}/v1/sql"), &key, sql).with_context(|| *sql)?);
            }
        }
    }
    println!("\nAsk yourself:\n  curl -H 'Authorization: Bearer {key}' '{query}/v1/kpis'");
    Ok(())
}

/// `after=` waits for some seconds only; a busy machine may need more, and is asked again.
fn get(url: &str, key: &str) -> Result<Value> {
    let agent = agent();
    let deadline = Instant::now() + COUNTED_WITHIN;
    loop {
        let mut answer = agent.get(url).header("Authorization", format!("Bearer {key}")).call()?;
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

fn post(url: &str, key: &str, sql: &str) -> Result<Value> {
    let request = agent().post(url).header("Authorization", format!("Bearer {key}")).header("Content-Type", "application/json");
    let mut answer = request.send(serde_json::json!({ "sql": sql }).to_string())?;
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{}: {text}", answer.status());
    }
    serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// One line a row: of a KPI the period and every dimension, then the value; of a statement its columns.
fn print_rows(answer: &Value) {
    let rows = answer["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
    for row in rows.iter().take(SHOWN_ROWS_MAX) {
        let values = match answer["columns"].as_array() {
            Some(columns) => columns.iter().map(|column| &row[column["name"].as_str().unwrap_or_default()]).collect(),
            None => kpi_values(row),
        };
        if let Some((last, keys)) = values.split_last() {
            let keys: Vec<String> = keys.iter().map(|value| shown(value)).collect();
            println!("    {:<48} {:>16}", keys.join("  "), shown(last));
        }
    }
    if rows.len() > SHOWN_ROWS_MAX {
        println!("    ... and {} more", rows.len() - SHOWN_ROWS_MAX);
    }
}

fn kpi_values(row: &Value) -> Vec<&Value> {
    let by = row.as_object().into_iter().flatten().filter(|(name, _)| !["period", "value"].contains(&name.as_str()));
    iter::once(&row["period"]).chain(by.map(|(_, value)| value)).chain(iter::once(&row["value"])).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // Decimals come with all their places.
        Value::String(text) if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
