//! ClickHouse's engine (libchdb) behind ClickHouse's own HTTP protocol, for laptops and tests without a server.
//! It is no server for production: one process, one directory, loopback only, no users.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed step ends its test"))]

mod compression;
mod config;
mod engine;
mod error;
mod exception;
mod ffi;
mod http;
mod job;
mod kept;
mod server;
mod session;
mod spool;
mod sql;

pub use config::Config;
pub use error::Error;
pub use ffi::{die_with_parent, exit};
pub use server::run;
