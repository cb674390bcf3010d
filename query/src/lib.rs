//! Answers: KPIs and SQL over what the projector wrote to ClickHouse, each with a stamp of how far it can be trusted.
//! See `README.md` in this folder for what it never does.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails says where"))]

mod access;
mod clickhouse;
mod config;
mod error;
mod flight;
mod history;
mod http;
mod kpis;
mod live;
mod postgres;
mod router;
mod service;
mod session;
mod signs;
mod sql;
mod tables;
mod telemetry;
mod tls;
mod trust;
mod turns;

pub use config::{Config, Login, Tls};
pub use error::Error;
pub use postgres::scram_of;
pub use service::{Server, bind, run};
pub use session::CATALOG as DATABASE;
