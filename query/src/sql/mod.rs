//! One question by SQL in, its rows out: planned, bounded, and for HTTP in the form that the caller wants.

mod body;
mod columns;
mod format;
mod forms;
mod functions;
mod json;
mod meaning;
mod parameters;
mod place;
mod question;
mod run;
mod stream;
mod threads;

pub(crate) use body::{Chunks, body};
pub(crate) use format::Format;
pub(crate) use forms::{Form, write};
pub(crate) use functions::{ANY, register as register_functions};
pub(crate) use json::Answer;
pub(crate) use meaning::call;
pub(crate) use parameters::plan_bound;
pub(crate) use place::{Place, place};
pub(crate) use question::{check_length, plan, plan_statement};
pub(crate) use run::{Rows, rows};
pub(crate) use stream::{Time, stream};
pub(crate) use threads::Threads;
