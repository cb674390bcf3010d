//! What is checked in agrees with itself: Rust types with Avro schemas, schemas with their history, DDL with the engine.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod compatibility;
mod ddl;
#[path = "../../../query/tests/it/engine.rs"]
mod engine;
mod fields;
mod lock;
mod wire;
