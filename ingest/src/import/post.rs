//! Asking ingest until it has answered: patient while it is busy or away, quick to give up on a wrong key.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header::RETRY_AFTER};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use super::ImportOptions;
use crate::{Error, accept::row::ROWS_TYPE};

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
    url: String,
    key: String,
    patience: Duration,
}

/// What ingest is asked.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// From the first `/` on, with its query string.
    pub(super) path: &'a str,
    pub(super) content_type: &'static str,
    pub(super) body: bytes::Bytes,
}

/// What one attempt came to.
enum Attempt<T> {
    Answered(T),
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
            url: options.url.trim_end_matches('/').to_owned(),
            key: options.key.clone(),
            patience: Duration::from_millis(options.retry_ms_max),
        })
    }

    /// Sends rows with their events.
    ///
    /// # Errors
    /// As [`Poster::ask`].
    pub(super) async fn post(&self, body: String) -> Result<Answered, Error> {
        if body.is_empty() {
            return Ok(Answered::default());
        }
        self.ask(Request { method: Method::POST, path: "/v1/events", content_type: ROWS_TYPE, body: body.into() }).await
    }

    /// # Errors
    /// The key is wrong, ingest does not understand, or it stayed busy or away for too long.
    pub(super) async fn ask<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, Error> {
        let give_up_at = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.attempt(&request).await {
                Attempt::Answered(answered) => return Ok(answered),
                Attempt::Hopeless(error) => return Err(error),
                Attempt::Busy { reason, pause: wanted } => {
                    let wait = wanted.unwrap_or(pause).min(LONGEST_PAUSE);
                    if Instant::now() + wait > give_up_at {
                        let waited_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
                        return Err(Error::IngestUnreachable { url: self.address(&request), waited_ms, reason });
                    }
                    tracing::debug!(%reason, "trying again");
                    sleep(wait).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn address(&self, request: &Request<'_>) -> String {
        format!("{}{}", self.url, request.path)
    }

    async fn attempt<T: DeserializeOwned>(&self, request: &Request<'_>) -> Attempt<T> {
        let address = self.address(request);
        let sent = self.client.request(request.method.clone(), &address).bearer_auth(&self.key);
        let sent = sent.header("content-type", request.content_type).body(request.body.clone());
        match sent.send().await {
            Ok(response) => judge(address, response).await,
            Err(error) if error.is_builder() => Attempt::Hopeless(unreachable(&address, &error)),
            Err(error) => Attempt::Busy { reason: error.to_string(), pause: None },
        }
    }
}

async fn judge<T: DeserializeOwned>(url: String, response: Response) -> Attempt<T> {
    let status = response.status();
    let pause = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let text = match response.text().await {
        Ok(text) => text,
        Err(error) => return Attempt::Busy { reason: error.to_string(), pause: None },
    };
    match status {
        StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY => match serde_json::from_str(&text) {
            Ok(answered) => Attempt::Answered(answered),
            Err(_) => Attempt::Hopeless(not_understood(url, status, &text)),
        },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Attempt::Busy { reason: status.to_string(), pause },
        _ if status.is_server_error() => Attempt::Busy { reason: format!("{status}: {text:.300}"), pause },
        StatusCode::UNAUTHORIZED => Attempt::Hopeless(Error::KeyRefused { url }),
        _ => Attempt::Hopeless(not_understood(url, status, &text)),
    }
}

fn not_understood(url: String, status: StatusCode, text: &str) -> Error {
    Error::IngestAnswer { url, status: status.as_u16(), answer: text.chars().take(500).collect() }
}

fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    Error::IngestUnreachable { url: url.to_owned(), waited_ms: 0, reason: error.to_string() }
}
