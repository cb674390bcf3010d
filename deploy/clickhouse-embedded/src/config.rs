//! What the face may be told: where the engine and its data are, where to listen, and every bound.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Configuration of one embedded engine. One process runs one engine on one data directory.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The shared library of ClickHouse's engine.
    pub libchdb: PathBuf,
    /// The data directory; made if absent, locked while the engine runs.
    pub path: PathBuf,
    /// Where to listen. Only loopback addresses: there are no users or passwords.
    pub listen: SocketAddr,
    /// Queries that run at the same time, each on a connection of its own.
    pub connections: usize,
    /// Requests that may wait for a connection; one more is refused with code 202.
    pub waiting_max: usize,
    /// Bytes of one request body, before and after decompression.
    pub body_bytes_max: u64,
    /// Bytes of SQL text, inserted data not counted.
    pub query_bytes_max: u64,
    /// Bytes held back at the start of an answer, so that an early failure gets its own status.
    pub answer_head_bytes: usize,
    /// Bytes held back with `wait_end_of_query=1`; a longer answer streams from there on.
    pub answer_buffer_bytes_max: usize,
    /// `max_execution_time` of a request that does not set it, in seconds.
    pub query_seconds_max: u64,
    /// Sessions (`session_id`) kept open at the same time.
    pub sessions_max: usize,
    /// How long an idle session is kept when the request names no `session_timeout`, in seconds.
    pub session_seconds: u64,
    /// How long running queries may go on after the shutdown signal before they are killed, in milliseconds.
    pub drain_ms: u64,
    /// More arguments for the engine, such as `--max_server_memory_usage=2000000000`.
    pub engine_args: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            libchdb: PathBuf::from("libchdb.so"),
            path: PathBuf::from("clickhouse"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 18123)),
            connections: 16,
            waiting_max: 256,
            body_bytes_max: 1 << 30,
            query_bytes_max: 16 << 20,
            answer_head_bytes: 128 << 10,
            answer_buffer_bytes_max: 64 << 20,
            query_seconds_max: 3600,
            sessions_max: 64,
            session_seconds: 60,
            drain_ms: 2500,
            engine_args: Vec::new(),
        }
    }
}
