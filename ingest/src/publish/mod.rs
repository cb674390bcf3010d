//! Kafka: the log's topics as they must be, and batches that are acknowledged as a whole or not at all.

mod batch;
mod ids;
mod log;
mod topics;

pub(crate) use batch::Batch;
pub(crate) use ids::SchemaIds;
pub(crate) use log::{Log, PublishError, client_config};
pub(crate) use topics::{TopicReport, ensure, metadata};
