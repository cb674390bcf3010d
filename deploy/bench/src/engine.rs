//! Statements for the engine, over its own door.

use anyhow::{Context, Result, ensure};

/// The engine behind the product.
pub struct Engine {
    client: reqwest::Client,
    url: String,
}

impl Engine {
    pub fn new(client: reqwest::Client, url: String) -> Self {
        Self { client, url }
    }

    /// Its answer as text.
    pub async fn run(&self, statement: &str) -> Result<String> {
        let answer = self.client.post(&self.url).body(statement.to_owned()).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "the engine answered {status} to {statement}: {text}");
        Ok(text.trim().to_owned())
    }

    /// A single number.
    pub async fn number(&self, statement: &str) -> Result<u64> {
        let text = self.run(statement).await?;
        text.parse().with_context(|| format!("the engine answered {text} to {statement}"))
    }
}
