//! The one question that is asked of every HTTP server: are you there?

use std::time::Duration;

/// For one answer; something that takes a connection and says nothing is not there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// True if a GET of this URL succeeds.
pub async fn answers(url: &str) -> bool {
    let Ok(client) = reqwest::Client::builder().timeout(ANSWER_WITHIN).build() else { return false };
    client.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
}
