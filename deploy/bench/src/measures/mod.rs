//! The measures, a file each.

pub mod alone;
pub mod catchup;
pub mod freshness;
pub mod growth;
pub mod ingest;
pub mod memory;
mod pair;
pub mod query;
pub mod rebuild;
pub mod restore;
pub mod up;
