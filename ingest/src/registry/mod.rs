//! The read part of the schema registry's HTTP API, over the schemas that are part of this program, so that any
//! Confluent client can read the topic. It stores nothing: what is not in `schemas/events/ids.lock` cannot be registered.
//! Source: Confluent Schema Registry API reference; subjects are record names (`deal.won`).

mod answer;
mod compatibility;
mod readable;
mod schemas;
mod subjects;

pub(crate) use compatibility::{check_against_all, check_against_one};
pub(crate) use schemas::{all, by_id, contexts, subjects_of, text_by_id, types, versions_of};
pub(crate) use subjects::{compatibility_level, look_up, mode, names, refer_to, register, text_of_version, version, versions};
