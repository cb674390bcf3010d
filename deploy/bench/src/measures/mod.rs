//! The measures, a file each.

pub mod catchup;
pub mod growth;
pub mod ingest;
pub mod memory;
mod pair;
