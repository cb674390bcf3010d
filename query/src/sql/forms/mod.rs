//! The forms of answers that are written while their rows come, one file each.

mod arrow;
mod csv;
mod ndjson;
mod parquet;
mod writer;

pub(super) use writer::Writer;
pub(crate) use writer::{Form, write};
