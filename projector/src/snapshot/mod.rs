//! Snapshots: copies of a partition's state in an object store, so that whoever has none restores one and reads only the rest
//! of the log. Never the truth: one that is not whole, or of something else, is passed over, and the log alone is always right.

mod archive;
mod manifest;
mod parts;
mod place;

pub use archive::{Archive, Found, Taken};
pub use manifest::Manifest;
pub use parts::Part;
pub use place::Place;

use crate::{pipeline::Mark, state::Entries};

/// A state as it was at one commit, however it changes later.
pub struct View {
    /// How far it was.
    pub mark: Mark,
    /// Everything in it but the mark.
    pub entries: Entries,
}
