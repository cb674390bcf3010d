//! Under which ids schemas are written: those of the lock file, or those that a configured registry gave them.
//! Source: Confluent Schema Registry API reference, subjects and compatibility.

use std::{collections::BTreeMap, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tidemark_schemas::{
    connect::RegistryConfig,
    events::{
        EventType,
        wire::{RegisteredSchema, reframe, schemas},
    },
};
use tokio::time::{Instant, sleep};

use crate::Error;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Pause between two attempts to reach it at start.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// The id of each type's newest schema where a registry gives them; none where the lock file does.
pub(crate) struct SchemaIds(Option<BTreeMap<EventType, u32>>);

impl SchemaIds {
    /// Those of the lock file, or with a registry its own, once every schema of ours is known there.
    ///
    /// # Errors
    /// The registry does not answer within `most`, or refuses a schema.
    pub(crate) async fn settle(config: &RegistryConfig, most: Duration) -> Result<Self, Error> {
        if config.url.is_empty() {
            return Ok(Self(None));
        }
        let registry = Registry::new(config)?;
        let mut ids = BTreeMap::new();
        let started = Instant::now();
        // Older versions first, as they came to be; what is read last of a type is its newest.
        for schema in schemas() {
            ids.insert(schema.event_type, registry.patiently(schema, started + most).await?);
        }
        tracing::info!(url = registry.url, schemas = schemas().len(), "the registry knows every schema");
        Ok(Self(Some(ids)))
    }

    /// Whether records carry ids of a registry.
    pub(crate) fn are_a_registrys(&self) -> bool {
        self.0.is_some()
    }

    /// Puts the id that readers look for into an encoded event.
    pub(crate) fn stamp(&self, event_type: EventType, encoded: &mut [u8]) {
        if let Some(id) = self.0.as_ref().and_then(|ids| ids.get(&event_type)) {
            reframe(encoded, *id);
        }
    }
}

/// A registry that schemas are made known to.
struct Registry<'a> {
    url: &'a str,
    base: Url,
    config: &'a RegistryConfig,
    client: Client,
}

#[derive(Deserialize)]
struct Known {
    id: u32,
}

/// Why a schema is not known to the registry.
enum Failure {
    /// It did not answer, or not sensibly: later it may.
    Away(String),
    /// It does not want it.
    Refused(String),
}

impl<'a> Registry<'a> {
    fn new(config: &'a RegistryConfig) -> Result<Self, Error> {
        let url = config.url.trim_end_matches('/');
        let wrong = |reason: String| Error::RegistryUrl { url: url.to_owned(), reason };
        let base = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        if base.scheme() != "http" {
            return Err(wrong("its scheme is not http".to_owned()));
        }
        let client = Client::builder().timeout(ANSWER_WITHIN).build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { url, base, config, client })
    }

    async fn patiently(&self, schema: &RegisteredSchema, deadline: Instant) -> Result<u32, Error> {
        let subject = schema.event_type.name();
        loop {
            match self.make_known(schema).await {
                Ok(id) => return Ok(id),
                Err(Failure::Away(reason)) if Instant::now() < deadline => {
                    tracing::debug!(%reason, "the registry is not ready yet");
                    sleep(RETRY_PAUSE).await;
                }
                Err(Failure::Away(reason)) => return Err(Error::RegistryUnreachable { url: self.url.to_owned(), reason }),
                Err(Failure::Refused(reason)) => {
                    return Err(Error::RegistryRefuses { url: self.url.to_owned(), subject, version: schema.version, reason });
                }
            }
        }
    }

    /// Looks it up, and registers it when it is not there and compatible with what is.
    async fn make_known(&self, schema: &RegisteredSchema) -> Result<u32, Failure> {
        let subject = schema.event_type.name();
        let body = json!({ "schema": schema.text, "schemaType": "AVRO" });
        let (status, told) = self.post(&["subjects", subject], &body).await?;
        if status == StatusCode::OK {
            return id(told);
        }
        if status != StatusCode::NOT_FOUND {
            return Err(refused(status, &told));
        }
        let (status, told) = self.post(&["compatibility", "subjects", subject, "versions", "latest"], &body).await?;
        // A subject that does not exist yet has nothing to be compatible with.
        if status != StatusCode::NOT_FOUND && told["is_compatible"] != true {
            return Err(refused(status, &told));
        }
        match self.post(&["subjects", subject, "versions"], &body).await? {
            (StatusCode::OK, told) => id(told),
            (status, told) => Err(refused(status, &told)),
        }
    }

    async fn post(&self, path: &[&str], body: &Value) -> Result<(StatusCode, Value), Failure> {
        let away = |error: reqwest::Error| Failure::Away(error.without_url().to_string());
        let path: Vec<String> = path.iter().map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()).collect();
        let url = format!("{}/{}", self.base.as_str().trim_end_matches('/'), path.join("/"));
        let request = self.client.post(url).header("content-type", MEDIA_TYPE).body(body.to_string());
        let answer = self.signed(request).send().await.map_err(away)?;
        let status = answer.status();
        let text = answer.text().await.map_err(away)?;
        if status.is_server_error() {
            return Err(Failure::Away(format!("{status}: {text:.200}")));
        }
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.config.user {
            Some(user) => request.basic_auth(user, self.config.password.as_ref()),
            None => request,
        }
    }
}

fn id(told: Value) -> Result<u32, Failure> {
    let known = serde_json::from_value::<Known>(told).map_err(|error| Failure::Away(format!("an answer without id: {error}")))?;
    Ok(known.id)
}

fn refused(status: StatusCode, told: &Value) -> Failure {
    Failure::Refused(format!("{}: {:.300}", status.as_u16(), told.to_string()))
}
