//! The `[projector]` section.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Settings of a projector process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    pub listen: SocketAddr,
    /// Directory of the local state; it can be rebuilt from the log.
    pub state_dir: PathBuf,
    /// Where snapshots of the state are kept, a directory or URL; empty or `off`: nowhere.
    pub snapshots: String,
    /// Records of a partition after which there is a new snapshot of its state.
    pub snapshot_every_records: u64,
    /// Consumer group; processes of one group share the partitions.
    pub group: String,
    /// This process within the group, so that a quick restart keeps its partitions.
    pub instance: String,
    /// Most records in one batch.
    pub batch_records_max: usize,
    /// Most bytes of records in one batch.
    pub batch_bytes_max: usize,
    /// Records that wait per partition before Kafka is asked to pause it.
    pub queue_records_max: usize,
    /// How long a batch waits for more records once it has one, milliseconds.
    pub linger_ms: u64,
    /// How often an idle partition says that it was read, milliseconds.
    pub heartbeat_ms: u64,
    /// Pause before a failed batch is tried again, milliseconds; doubles up to `retry_ms_max`.
    pub retry_ms_min: u64,
    /// Longest pause before a failed batch is tried again, milliseconds.
    pub retry_ms_max: u64,
    /// Pause before a batch that ClickHouse refuses is tried again, milliseconds.
    pub refused_retry_ms: u64,
    /// A batch that has not got in after this long makes `/readyz` answer 503 and say why, milliseconds.
    pub waiting_after_ms: u64,
    /// How often log and ClickHouse are held against the state, milliseconds; also after every lost connection.
    pub examine_ms: u64,
    /// Memory for reading the local state, bytes.
    pub state_cache_bytes: u64,
    /// After how long without a sign of life Kafka gives this process's partitions to another, milliseconds.
    pub session_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8082)),
            state_dir: PathBuf::from("data/projector"),
            snapshots: String::new(),
            snapshot_every_records: 500_000,
            group: "tidemark-projector".to_owned(),
            instance: "projector-1".to_owned(),
            batch_records_max: 40_000,
            batch_bytes_max: 16 << 20,
            queue_records_max: 40_000,
            linger_ms: 5,
            heartbeat_ms: 500,
            retry_ms_min: 100,
            retry_ms_max: 5_000,
            refused_retry_ms: 30_000,
            waiting_after_ms: 5_000,
            examine_ms: 10_000,
            state_cache_bytes: 64 << 20,
            session_timeout_ms: 6_000,
        }
    }
}
