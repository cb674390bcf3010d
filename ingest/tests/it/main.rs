//! Ingest as its clients meet it: over HTTP, against a real Kafka where its jars are in the cache.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails or skips says where")]

mod accepts;
mod arbitrary;
mod bad_requests;
mod clickhouse_kafka;
mod cloud_events;
mod cloudevents_sdk;
mod confluent_kafka;
mod dead_letters;
mod dead_resolutions;
#[path = "../../../query/tests/it/engine.rs"]
mod engine;
mod file_formats;
mod fuzz;
mod imports;
mod kafka;
mod known_answers;
mod operates;
mod outages;
mod overload;
#[path = "../../../deploy/clickhouse-embedded/tests/it/python.rs"]
mod python;
mod rates;
mod refuses;
mod registered;
mod registry;
mod round_trips;
mod schema_registry;
mod server;
