//! The `[query]` section: where to listen, and every bound.

use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

/// Configuration of the query service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How long one answer may take, waiting for `after` not counted.
    pub time_ms_max: u64,
    /// While an answer takes longer, ClickHouse is asked so often whether it lives; one that says nothing for 2 s is silent.
    pub silent_after_ms: u64,
    /// Rows of one answer; more is refused, never cut off.
    pub rows_max: u64,
    /// Bytes of one request body.
    pub body_bytes_max: usize,
    /// Answers worked on at the same time; further ones wait their turn within `time_ms_max`.
    pub concurrent_max: usize,
    /// Words, signs and values of one SQL question.
    pub sql_tokens_max: usize,
    /// Memory of all SQL answers together that are worked on in this process.
    pub memory_bytes_max: usize,
    /// How long `after=` waits for a position.
    pub after_ms_max: u64,
    /// Pause between two looks, which are for all who wait.
    pub after_poll_ms: u64,
    /// Numbers whose last heartbeat is older are stale.
    pub stale_after_ms: i64,
    /// Examples that freshness shows of each kind of finding.
    pub finding_examples_max: u64,
    /// How long requests may go on after the shutdown signal.
    pub drain_timeout_ms: u64,
    /// Whether SQL is pushed down into ClickHouse as far as it goes; the answers are the same without.
    pub federation: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            time_ms_max: 30_000,
            silent_after_ms: 3_000,
            rows_max: 100_000,
            body_bytes_max: 1 << 20,
            concurrent_max: 16,
            sql_tokens_max: 10_000,
            memory_bytes_max: 1 << 30,
            after_ms_max: 10_000,
            after_poll_ms: 20,
            stale_after_ms: 3_000,
            finding_examples_max: 20,
            drain_timeout_ms: 3_000,
            federation: true,
        }
    }
}
