//! A configured schema registry, as a reader: from the ids that its records carry to the schemas of this version, by content.
//! Ids of the lock file need nobody.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde::Deserialize;
use tidemark_schemas::{
    connect::RegistryConfig,
    events::wire::{RegisteredSchema, schema_by_id, schema_by_text},
};

use crate::Error;

/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Pause before a registry that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What is known of the registry's ids.
#[derive(Debug, Default)]
pub struct Registry {
    config: RegistryConfig,
    client: Client,
    /// For every id that was asked for the lock file's; none where the schema is not one of ours.
    known: RwLock<HashMap<u32, Option<u32>>>,
}

#[derive(Deserialize)]
struct Schema {
    schema: String,
}

impl Registry {
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(config: RegistryConfig) -> Result<Self, Error> {
        let client = Client::builder().timeout(ANSWER_WITHIN).build().map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { config, client, known: RwLock::default() })
    }

    /// Asks for an id that is new, until there is an answer: what it means decides what the numbers are.
    pub async fn learn(&self, id: u32) {
        if self.config.url.is_empty() || self.known.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id) {
            return;
        }
        loop {
            match self.ask(id).await {
                Ok(schema) => {
                    self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, schema.map(|schema| schema.id));
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = %error.without_url(), id, url = self.config.url, "the schema registry is asked again");
                    tokio::time::sleep(ASK_AGAIN).await;
                }
            }
        }
    }

    async fn ask(&self, id: u32) -> Result<Option<&'static RegisteredSchema>, reqwest::Error> {
        let mut request = self.client.get(format!("{}/schemas/ids/{id}", self.config.url.trim_end_matches('/')));
        if let Some(user) = &self.config.user {
            request = request.basic_auth(user, self.config.password.as_ref());
        }
        let answer = request.send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let Schema { schema } = answer.error_for_status()?.json().await?;
        Ok(schema_by_text(&schema))
    }

    /// The schema under an id, once it is learnt.
    pub fn schema(&self, id: u32) -> Option<&'static RegisteredSchema> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied().flatten().and_then(schema_by_id)
    }

    /// What an operator does about an id that leads nowhere.
    pub fn advice(&self) -> &'static str {
        if self.config.url.is_empty() {
            "which only a schema registry knows: set `url` in [registry] as ingest has it, and start again"
        } else {
            "and the registry has no schema of this version under it: upgrade tidemark"
        }
    }
}
