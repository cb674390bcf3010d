//! The PostgreSQL wire, which psql, notebooks and BI tools speak. `door` takes connections, `login` asks whose they are (by `scram`, where keys are not to travel),
//! `connection` takes their statements, `questions` answers them in a session of the tenant with PostgreSQL's
//! `catalog` and `dialect`, `cancel` ends them, and `failure` says what went wrong in PostgreSQL's codes.

mod cancel;
mod catalog;
mod connection;
mod cursors;
mod dialect;
mod door;
mod failure;
mod fields;
mod login;
mod names;
mod parameters;
mod questions;
mod reader;
mod scram;
mod settings;

pub(crate) use door::Door;
pub use scram::scram_of;
