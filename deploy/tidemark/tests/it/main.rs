//! The binary as people use it: real processes, the real Kafka and the real ClickHouse engine, on free ports of this machine.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails or skips says where")]

mod bi;
mod breaks;
mod command_line;
mod dead_letters;
mod dependencies;
#[path = "../../../../query/tests/it/events.rs"]
mod events;
mod generations;
mod history;
mod imports;
mod known_answers;
mod kpi_files;
mod life_and_death;
mod live;
mod overload;
mod readme;
mod recovery;
mod registered;
#[path = "../../../../ingest/tests/it/schema_registry.rs"]
mod schema_registry;
mod snapshots;
mod stack;
mod stocks_and_targets;
mod traces;
mod verify;
