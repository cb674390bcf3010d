//! The `[ingest]` section: where to listen, and a bound on everything that a client or Kafka could make grow.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The `[ingest]` section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where HTTP is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Largest body of one request; a larger one is refused with 413 and not kept.
    pub body_bytes_max: usize,
    /// Most events in one body; more are refused with 413 and not kept.
    pub events_per_body_max: usize,
    /// Bodies being worked on at one time, all clients together; beyond it the answer is 429.
    pub in_flight_bytes_max: usize,
    /// Requests being answered at one time, all clients together; beyond it the answer is 503.
    pub requests_max: usize,
    /// Connections at one time; more wait until one ends.
    pub connections_max: usize,
    /// How long a client may take to send its headers, or be silent between two requests; then the connection is closed.
    pub header_timeout_ms: u64,
    /// How long a client may take to send its body.
    pub body_timeout_ms: u64,
    /// How long Kafka may take to acknowledge; beyond it the answer is 503 and nothing was acknowledged.
    pub publish_timeout_ms: u64,
    /// Records waiting for Kafka at one time.
    pub publish_queue_records_max: usize,
    /// How long `/readyz` waits for Kafka.
    pub ready_timeout_ms: u64,
    /// How long a start waits for Kafka.
    pub start_timeout_ms: u64,
    /// How long a stop waits for requests that are being answered.
    pub drain_timeout_ms: u64,
    /// Events that one key may send a second, over time; beyond it the answer is 429. 0: no limit.
    pub events_per_second_max_per_key: u64,
    /// What `Retry-After` says with 429 and 503.
    pub retry_after_s: u64,
}

impl Config {
    /// # Errors
    /// Bounds under which some request could never be answered.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.in_flight_bytes_max < self.body_bytes_max {
            let (all, one) = (self.in_flight_bytes_max, self.body_bytes_max);
            let reason = format!("in_flight_bytes_max = {all} has no room for one body of body_bytes_max = {one}");
            return Err(Error::Bounds(reason));
        }
        if self.requests_max == 0 || self.connections_max == 0 {
            return Err(Error::Bounds("requests_max and connections_max must be at least 1".to_owned()));
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            body_bytes_max: 8 << 20,
            events_per_body_max: 10_000,
            in_flight_bytes_max: 128 << 20,
            requests_max: 256,
            connections_max: 512,
            header_timeout_ms: 30_000,
            body_timeout_ms: 30_000,
            publish_timeout_ms: 10_000,
            publish_queue_records_max: 500_000,
            ready_timeout_ms: 2_000,
            start_timeout_ms: 30_000,
            drain_timeout_ms: 8_000,
            events_per_second_max_per_key: 0,
            retry_after_s: 1,
        }
    }
}
