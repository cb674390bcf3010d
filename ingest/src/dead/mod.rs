//! `crm.dead` read back: a tenant's dead letters, each once, newest first, or counted by what was wrong with them.
//! Kafka has no index by tenant, so that every question reads the tenant's partition, within bounds.

mod ask;
mod ledger;
mod letter;
mod scan;

pub(crate) use ask::{AskError, DeadLetters};
pub(crate) use ledger::Filter;
pub(crate) use letter::offset;
pub(crate) use scan::ScanError;
