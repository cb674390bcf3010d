//! `tidemark simulate`: a seeded sales organisation whose events are written as NDJSON or sent to ingest. Everything in
//! it is invented and says so: the source is `simulated` and every event id begins with `sim-`.

mod agenda;
mod calendar;
mod chance;
mod command;
mod corrections;
mod ndjson;
mod organisation;
mod outbox;
mod post;
mod settings;
mod simulation;
mod story;
#[cfg(test)]
mod tests;

pub use command::{Args, run};
