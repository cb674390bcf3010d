//! Posting a batch until ingest has answered for it: patient while ingest is busy or away, quick to give up on a wrong key.

use std::time::Duration;

use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::ImportOptions;
use crate::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Ingest's answer to one batch.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Answered {
    pub(super) accepted: u64,
    #[serde(default)]
    pub(super) refused: Vec<Refused>,
    pub(super) position: Option<String>,
}

/// One problem of one event.
#[derive(Debug, Deserialize)]
pub(super) struct Refused {
    pub(super) index: usize,
    pub(super) code: String,
    pub(super) field: Option<String>,
    pub(super) message: String,
}

/// Ingest as an import sees it.
pub(super) struct Poster {
    client: reqwest::Client,
    address: String,
    key: String,
    patience: Duration,
}

/// What one attempt came to.
enum Attempt {
    Answered(Answered),
    /// Worth trying again, after this long if ingest said so.
    Busy {
        reason: String,
        pause: Option<Duration>,
    },
    Hopeless(Error),
}

impl Poster {
    pub(super) fn new(options: &ImportOptions) -> Result<Self, Error> {
        let timeout = Duration::from_millis(options.request_timeout_ms);
        let client = reqwest::Client::builder().timeout(timeout).build().map_err(|error| unreachable(&options.url, &error))?;
        Ok(Self {
            client,
            address: format!("{}/v1/events", options.url.trim_end_matches('/')),
            key: options.key.clone(),
            patience: Duration::from_millis(options.retry_ms_max),
        })
    }

    /// # Errors
    /// The key is wrong, ingest does not understand, or it stayed busy or away for too long.
    pub(super) async fn post(&self, body: String) -> Result<Answered, Error> {
        if body.is_empty() {
            return Ok(Answered::default());
        }
        let body = bytes::Bytes::from(body);
        let give_up_at = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(body.clone()).await {
                Attempt::Answered(answered) => return Ok(answered),
                Attempt::Hopeless(error) => return Err(error),
                Attempt::Busy { reason, pause: wanted } => {
                    let wait = wanted.unwrap_or(pause).min(LONGEST_PAUSE);
                    if Instant::now() + wait > give_up_at {
                        let waited_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
                        return Err(Error::IngestUnreachable { url: self.address.clone(), waited_ms, reason });
                    }
                    tracing::debug!(%reason, "trying again");
                    sleep(wait).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn attempt(&self, body: bytes::Bytes) -> Attempt {
        let request = self.client.post(&self.address).bearer_auth(&self.key).header("content-type", "application/x-ndjson");
        match request.body(body).send().await {
            Ok(response) => self.judge(response).await,
            Err(error) if error.is_builder() => Attempt::Hopeless(unreachable(&self.address, &error)),
            Err(error) => Attempt::Busy { reason: error.to_string(), pause: None },
        }
    }

    async fn judge(&self, response: Response) -> Attempt {
        let status = response.status();
        let pause = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Attempt::Busy { reason: error.to_string(), pause: None },
        };
        match status {
            StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY => match serde_json::from_str(&text) {
                Ok(answered) => Attempt::Answered(answered),
                Err(_) => Attempt::Hopeless(self.not_understood(status, &text)),
            },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Attempt::Busy { reason: status.to_string(), pause: pause.map(Duration::from_secs) }
            }
            _ if status.is_server_error() => {
                Attempt::Busy { reason: format!("{status}: {text:.300}"), pause: pause.map(Duration::from_secs) }
            }
            StatusCode::UNAUTHORIZED => Attempt::Hopeless(Error::KeyRefused { url: self.address.clone() }),
            _ => Attempt::Hopeless(self.not_understood(status, &text)),
        }
    }

    fn not_understood(&self, status: StatusCode, text: &str) -> Error {
        Error::IngestAnswer { url: self.address.clone(), status: status.as_u16(), answer: text.chars().take(500).collect() }
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    Error::IngestUnreachable { url: url.to_owned(), waited_ms: 0, reason: error.to_string() }
}
