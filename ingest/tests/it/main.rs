//! Ingest as its clients meet it: over HTTP, against a real Kafka where its jars are in the cache.

mod accepts;
mod arbitrary;
mod bad_requests;
mod imports;
mod kafka;
mod operates;
mod refuses;
mod round_trips;
mod server;
