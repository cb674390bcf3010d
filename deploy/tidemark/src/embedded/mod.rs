//! The servers that `tidemark up` brings along: a real Kafka and the real ClickHouse engine, as child processes.
//! The services do not know this module; they know an address and a URL.

pub mod clickhouse;
pub mod kafka;
pub mod server;
pub mod servers;
pub mod state;
