//! The query service against the real engine, filled with rows as the projector writes them.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails or skips says where")]

mod clients;
mod doors;
mod engine;
mod events;
mod federation;
mod fixture;
mod fuzz;
mod generations;
mod isolation;
mod kpis;
mod live;
mod money;
mod one_position;
mod postgresql;
mod random_questions;
mod sql;
mod sql_forms;
mod sql_parameters;
mod sql_streams;
mod trust;
