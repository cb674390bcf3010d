//! After an import: whether events of it had the identity and revision of others with other content, which only the projector finds
//! out. Asked of query like everybody does, once everything imported is in the tables; an import is done without it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// How long query may take, with its wait for the projector.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
/// Characters of an answer that is none.
const ANSWER_SHOWN: usize = 200;

/// Where query is, and who asks.
pub struct Query {
    pub url: String,
    pub key: String,
}

/// What to say of the conflicts among what came since `began`, up to a position token; nothing where there are none.
pub async fn conflicts(query: Option<&Query>, began: DateTime<Utc>, position: &str) -> Option<String> {
    let since = began.to_rfc3339_opts(SecondsFormat::Millis, true);
    let of_import = format!("FROM events WHERE verdict = 'conflict' AND received_at >= '{since}'");
    let listed = format!("SELECT event_id, type, revision {of_import}");
    let counted = match query {
        Some(query) => count(query, &format!("SELECT count(*) AS n {of_import}"), position).await,
        None => return None,
    };
    match counted {
        Ok(0) => None,
        Ok(count) => Some(format!(
            "{count} events that came since this import began had the identity and revision of others with other content (conflicts): \
             which of the two counts is decided by content.\nTo correct, import again with a higher --revision. By SQL: {listed}"
        )),
        Err(error) => Some(format!("conflicts were not counted ({error:#}); by SQL: {listed}")),
    }
}

async fn count(query: &Query, sql: &str, position: &str) -> Result<u64> {
    let client = reqwest::Client::builder().timeout(ANSWERED_WITHIN).build()?;
    let address = format!("{}/v1/sql", query.url.trim_end_matches('/'));
    let asked = client.post(&address).bearer_auth(&query.key).json(&json!({ "sql": sql, "after": position }));
    let answer = asked.send().await.with_context(|| format!("{address} does not answer"))?;
    let (status, text) = (answer.status(), answer.text().await?);
    if !status.is_success() {
        bail!("{address} answered {status}: {}", text.chars().take(ANSWER_SHOWN).collect::<String>());
    }
    let answer: Value = serde_json::from_str(&text)?;
    answer["rows"][0]["n"].as_u64().with_context(|| format!("{address} answered without a count"))
}
