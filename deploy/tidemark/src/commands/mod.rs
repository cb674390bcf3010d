//! One file per subcommand.

pub mod clickhouse;
pub mod config;
pub mod dead;
pub mod doctor;
pub mod generations;
pub mod import;
mod lookups;
pub mod mapping;
pub mod rebuild;
pub mod serve;
pub mod tenant;
pub mod up;
pub mod verify;
