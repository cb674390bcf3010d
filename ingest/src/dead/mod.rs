//! `crm.dead` read back: a tenant's dead letters, each once, newest first, or counted by what was wrong with them; and what is
//! done with them, which is a record of the same topic.
//! Kafka has no index by tenant, so that every question reads the tenant's partition, within bounds.

mod ask;
mod ledger;
mod letter;
mod resolve;
mod scan;

pub(crate) use ask::{AskError, DeadLetters};
pub(crate) use ledger::{AskedState, Filter};
pub(crate) use letter::{Letter, offset};
pub(crate) use resolve::{Mended, Order, Outcome, ResolveError, Resolved, Verdict, drop_letters, replay};
pub(crate) use scan::ScanError;
