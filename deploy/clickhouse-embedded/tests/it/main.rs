//! The face with the real engine, as a process: through the `clickhouse` crate and through plain HTTP.
#![allow(clippy::unwrap_used, reason = "a failed step ends its test")]

mod clickhouse_connect;
mod clickhouse_crate;
mod compression;
mod durability;
mod errors;
mod inserts;
mod isolation;
mod lifecycle;
mod protocol;
mod python;
mod server;
mod sessions;
mod streaming;
