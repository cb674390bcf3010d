//! Sending lines to ingest until it has answered for them: patient while it is busy or away, not with a wrong key.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long ingest may be busy or away.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// Ingest, for one tenant's key.
pub(super) struct Ingest {
    client: reqwest::Client,
    address: String,
    key: String,
}

/// Ingest's answer to one body.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) accepted: u64,
    #[serde(default)]
    refused: Vec<Refusal>,
    pub(super) position: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

impl Ingest {
    pub(super) fn new(url: &str, key: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).build()?;
        Ok(Self { client, address: format!("{}/v1/events", url.trim_end_matches('/')), key: key.to_owned() })
    }

    /// # Errors
    /// The key is wrong, ingest stays away, or refuses an event: what is simulated is valid.
    pub(super) async fn post(&self, lines: String) -> Result<Answer> {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            match self.attempt(lines.clone()).await? {
                Ok(answer) => return Ok(answer),
                Err(busy) if Instant::now() > give_up_at => {
                    bail!("{} took nothing for {} s: {busy}", self.address, PATIENCE.as_secs());
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// The answer, or why it is worth trying again.
    async fn attempt(&self, lines: String) -> Result<Result<Answer, String>> {
        let request = self.client.post(&self.address).bearer_auth(&self.key).header("content-type", "application/x-ndjson");
        let response = match request.body(lines).send().await {
            Ok(response) => response,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let status = response.status();
        if let Some(seconds) = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()) {
            sleep(Duration::from_secs(seconds)).await;
        }
        let text = response.text().await.unwrap_or_default();
        match status {
            StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY => {
                let answer: Answer =
                    serde_json::from_str(&text).with_context(|| format!("{} answered {text:.300}", self.address))?;
                if let Some(refusal) = answer.refused.first() {
                    bail!("{} refused a simulated event ({}): {}", self.address, refusal.code, refusal.message);
                }
                Ok(Ok(answer))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Ok(Err(status.to_string())),
            status if status.is_server_error() => Ok(Err(format!("{status}: {text:.300}"))),
            status => bail!("{} answered {status}: {text:.500}", self.address),
        }
    }
}
