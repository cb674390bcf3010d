//! The simulator finds nothing in the projector as it is, and every sabotage of it; its engine answers as the real one.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "tests")]

#[path = "../../../../query/tests/it/engine.rs"]
mod engine;
mod engine_twin;
mod sabotage;
mod seeds;
