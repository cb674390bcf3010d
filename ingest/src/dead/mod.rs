//! `crm.dead` read back: a tenant's dead letters, each once, newest first, or counted by what was wrong with them; and what is
//! done with them, which is a record of the same topic.
//! Kafka has no index by tenant, so that a question reads the tenant's partition, within bounds, and the next one what came since.

mod ask;
mod causes;
mod filter;
mod ledger;
mod ledgers;
mod letter;
mod resolve;
mod scan;

pub(crate) use ask::{AskError, DeadLetters};
pub(crate) use filter::{AskedState, Filter};
pub(crate) use letter::{Letter, offset};
pub(crate) use resolve::{Mended, Order, Outcome, ResolveError, Resolved, Verdict, drop_letters, replay};
pub(crate) use scan::ScanError;
