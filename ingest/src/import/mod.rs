//! `tidemark import`: a file's rows become events by a mapping, and go through HTTP like everybody's, so that there is one path.

mod journal;
mod mapping;
mod options;
mod post;
mod read;
mod rows;
mod run;
mod summary;

pub use options::ImportOptions;
pub use run::import;
pub use summary::Summary;
