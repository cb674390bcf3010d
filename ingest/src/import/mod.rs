//! `tidemark import`: a file's rows become events by a mapping, and go through HTTP like everybody's, so that there is one path.

mod bounds;
mod columns;
mod functions;
mod helpers;
mod journal;
mod jq;
mod lookups;
mod manifest;
mod mapping;
mod mend;
mod options;
mod post;
mod preview;
mod read;
mod reading;
mod reads;
mod record;
mod rows;
mod run;
#[cfg(test)]
mod samples;
mod source;
mod summary;

pub use columns::UnknownColumn;
pub use helpers::{Helper, helpers};
pub use mend::{
    Cause, Causes, Letter, LetterFilter, Letters, MendOptions, MendReport, Mending, Reason, causes, drop_letters, letter,
    letters, replay,
};
pub use options::ImportOptions;
pub use preview::{Preview, Unmapped, map_rows, preview};
pub use reading::{Format, Reading};
pub use run::import;
pub use summary::Summary;
