//! Generations: complete sets of facts and cells, each made with the definitions that are stored with it.
//! Which one a projector continues is decided here; a new one beside the live one is made by `rebuild`.

mod claim;
mod difference;
mod drop;
mod ledger;
mod pace;
mod rebuild;

use std::path::PathBuf;

pub use claim::{Claim, claim};
pub use difference::{Change, Difference, KpiDifference, Positions};
pub use ledger::{Generation, Ledger, Status};
pub use pace::{Pace, Turns};
pub use rebuild::{Progress, Rebuild, Rebuilt, Stage, Then};

use crate::Config;

/// Where the local state of a generation is.
#[must_use]
pub fn state_dir(config: &Config, generation: u32) -> PathBuf {
    config.state_dir.join(format!("generation-{generation}"))
}
