//! SQL over HTTP: one question in, its rows out, in the form that the caller wants.

mod columns;
mod format;
mod question;
mod run;

pub(crate) use format::Format;
pub(crate) use question::plan;
pub(crate) use run::{Rows, rows};
