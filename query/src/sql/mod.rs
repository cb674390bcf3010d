//! SQL over HTTP: one question in, its rows out, in the form that the caller wants.

mod columns;
mod format;
mod question;
mod run;
mod threads;

pub(crate) use format::Format;
pub(crate) use question::{check_length, plan};
pub(crate) use run::{Rows, rows};
pub(crate) use threads::Threads;
