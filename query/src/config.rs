//! The `[query]` section: where to listen, and every bound.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

/// Configuration of the query service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen for HTTP.
    pub listen: SocketAddr,
    /// Where to listen for the PostgreSQL wire.
    pub postgres_listen: SocketAddr,
    /// Connections of the PostgreSQL wire; further ones are closed at once.
    pub postgres_connections_max: usize,
    /// How PostgreSQL clients show their key.
    pub postgres_login: Login,
    /// Whether keys are taken over connections from other machines that are not encrypted.
    pub postgres_unencrypted: bool,
    /// Where to listen for Arrow Flight SQL.
    pub flight_listen: SocketAddr,
    /// With what the connections of PostgreSQL and Flight clients are encrypted; without it none is.
    pub tls: Option<Tls>,
    /// How long one answer may take, waiting for `after` not counted.
    pub time_ms_max: u64,
    /// While an answer takes longer, ClickHouse is asked so often whether it lives; one that says nothing for 2 s is silent.
    pub silent_after_ms: u64,
    /// Rows of one answer; more is refused, never cut off.
    pub rows_max: u64,
    /// The same for answers that are not held in memory: every form but JSON over HTTP, and what PostgreSQL and Flight clients read.
    pub rows_streamed_max: u64,
    /// Bytes of one request body.
    pub body_bytes_max: usize,
    /// Answers worked on at the same time; further ones wait their turn within `time_ms_max`.
    pub concurrent_max: usize,
    /// The same of one company, so that the others are answered too.
    pub concurrent_per_tenant_max: usize,
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
    /// Listeners of `/v1/live` at the same time; further ones are refused.
    pub live_listeners_max: usize,
    /// KPIs of one listener.
    pub live_kpis_max: usize,
    /// Between the beginnings of two looks at one question that is listened to: however often its numbers change.
    pub live_pause_ms: u64,
    /// How often it is looked for what no record of `crm.changes` says: other numbers, a changed roster or rate.
    pub live_look_ms: u64,
    /// How often a listener to whom nothing is said hears that it is still connected.
    pub live_keep_alive_ms: u64,
    /// How long a reader may take nothing of its answer, whatever it is, until its connection is closed.
    pub send_ms_max: u64,
    /// How long requests may go on after the shutdown signal.
    pub drain_timeout_ms: u64,
    /// Whether SQL is pushed down into ClickHouse as far as it goes; the answers are the same without.
    pub federation: bool,
}

/// How PostgreSQL clients show their key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Login {
    /// As it is; every key of the company.
    Password,
    /// By SCRAM-SHA-256, so that it never travels: the newest key of the company, or of a source of the user `company/source`.
    Scram,
}

/// The section `[query.tls]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those it was made with, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            postgres_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5433)),
            postgres_connections_max: 200,
            postgres_login: Login::Password,
            postgres_unencrypted: false,
            flight_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50_051)),
            tls: None,
            time_ms_max: 30_000,
            silent_after_ms: 3_000,
            rows_max: 100_000,
            rows_streamed_max: 100_000_000,
            body_bytes_max: 1 << 20,
            concurrent_max: 16,
            concurrent_per_tenant_max: 12,
            sql_tokens_max: 10_000,
            memory_bytes_max: 1 << 30,
            after_ms_max: 10_000,
            after_poll_ms: 20,
            stale_after_ms: 3_000,
            finding_examples_max: 20,
            live_listeners_max: 1_024,
            live_kpis_max: 16,
            live_pause_ms: 100,
            live_look_ms: 1_000,
            live_keep_alive_ms: 10_000,
            send_ms_max: 30_000,
            drain_timeout_ms: 3_000,
            federation: true,
        }
    }
}
