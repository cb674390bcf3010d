//! Where Kafka, ClickHouse and a schema registry are: the only things that the services know of each other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `[kafka]` section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Bootstrap servers, `host:port` joined by commas.
    pub brokers: String,
    /// Partitions of `crm.events`. Part of the log: another count than the topic's is refused at start.
    pub partitions: i32,
    /// Copies of each record when a topic is created.
    pub replication: i32,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self { brokers: "127.0.0.1:19092".to_owned(), partitions: 8, replication: 1 }
    }
}

/// The `[registry]` section: a schema registry of one's own, which then gives the ids that records carry.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// HTTP address; empty: none, ids are those of `schemas/events/ids.lock`.
    pub url: String,
    /// User, where it asks for one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

impl fmt::Debug for RegistryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistryConfig {{ url: {:?}, .. }}", self.url)
    }
}

/// The `[clickhouse]` section.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClickHouseConfig {
    /// HTTP address.
    pub url: String,
    /// Database; created at start.
    pub database: String,
    /// User; none for the embedded engine.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

impl Default for ClickHouseConfig {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:18123".to_owned(), database: "tidemark".to_owned(), user: None, password: None }
    }
}

impl fmt::Debug for ClickHouseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClickHouseConfig {{ url: {:?}, database: {:?}, .. }}", self.url, self.database)
    }
}
