//! What is true in Tidemark: event types and their wire form, fact tables, KPI definitions, tenants, topics.
//! No I/O: everything here is data and pure functions. See `README.md` in this folder for what it never does.

// Unit tests unwrap: a failed unwrap is a failed test.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod connect;
pub mod dead;
pub mod decimal;
pub mod definitions;
pub mod events;
pub mod fact;
pub mod kpi;
pub mod log;
pub mod period;
pub mod pipeline;
pub mod table;
pub mod tenant;
