//! The projector against the independent naive model, and its rows against the places where batches are cut.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod account_cost;
mod backfills;
mod batch_cuts;
mod dead_letters;
mod disk;
#[path = "../../../query/tests/it/engine.rs"]
mod engine;
mod engine_rows;
mod fuzz;
mod generations;
#[path = "../../../ingest/tests/it/kafka.rs"]
#[allow(dead_code, reason = "other tests need more of it")]
mod kafka;
mod naive_model;
mod organisation;
mod poison;
mod rules;
mod snapshots;
