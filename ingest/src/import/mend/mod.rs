//! `tidemark dead`: dead letters listed, shown, replayed (as they are, mapped again, or edited) and dropped, over HTTP like everybody.

mod letters;
mod options;
mod remake;
mod report;
mod run;

pub use letters::{Cause, Causes, Letter, Letters, Reason, causes, letter, letters};
pub use options::{LetterFilter, MendOptions, Mending};
pub use report::MendReport;
pub use run::{drop_letters, replay};
