//! The binary as people use it: real processes, the real Kafka and the real ClickHouse engine, on free ports of this machine.

mod command_line;
mod dependencies;
mod life_and_death;
mod recovery;
mod stack;
