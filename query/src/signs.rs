//! Signs of life of ClickHouse: tells one that is silent (stopped, hanging, gone) from one that is busy with a long question.

use std::time::Duration;

use reqwest::Client;

use crate::Error;

/// For one that lives to answer a ping, which it does however many questions it is busy with.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Where they are looked for, and how often.
pub(crate) struct SignsOfLife {
    client: Client,
    ping: String,
    every: Duration,
}

impl SignsOfLife {
    /// # Errors
    /// The HTTP client cannot be made.
    pub(crate) fn of(url: &str, every: Duration) -> Result<Self, Error> {
        let client = Client::builder().timeout(ANSWER_WITHIN).build().map_err(|error| Error::Unexpected(error.to_string()))?;
        Ok(Self { client, ping: format!("{}/ping", url.trim_end_matches('/')), every })
    }

    /// Whether there is one now. What a server between us and ClickHouse thinks of the question does not matter.
    pub(crate) async fn is_alive(&self) -> bool {
        self.client.get(&self.ping).send().await.is_ok()
    }

    /// Waits until there are none any more.
    pub(crate) async fn cease(&self) {
        loop {
            tokio::time::sleep(self.every).await;
            if !self.is_alive().await {
                return;
            }
        }
    }
}
