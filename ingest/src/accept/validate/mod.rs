//! One event's JSON becomes a typed event, or the list of everything that is wrong with it.
//! Driven by the definitions in `schemas/events/*.avsc`; whether entities exist is the projector's to know.

mod cloud_event;
mod data;
mod dialect;
mod envelope;
mod event;
mod fields;
mod instant;
mod problem;
mod rules;
mod scalar;

pub(crate) use cloud_event::is_json;
pub(crate) use dialect::Dialect;
pub(crate) use event::validate;
pub use problem::{Code, Problem};
