//! The projector: one pure function of the log, and idempotent writes.
//! poll → decode → admit → fold → measure → write → publish → commit; see `pipeline/mod.rs` for the sentence.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod admit;
mod change;
mod config;
mod dead;
mod decode;
mod error;
mod facts;
mod fold;
pub mod generations;
pub mod measure;
mod metrics;
pub mod pipeline;
mod process;
mod registry;
mod retry;
mod run;
#[doc(hidden)]
pub mod sabotage;
pub mod settings;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod state;
mod trace;

pub use config::Config;
pub use error::Error;
pub use run::{Files, run};
