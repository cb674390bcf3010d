//! Where rows go: ClickHouse, or its twin in memory. Writing the same rows twice, late or in another order than they were
//! made changes nothing, because every row is absolute and carries the position that it is from.

mod batches;
mod clickhouse;
mod memory;
mod schema;

use std::future::Future;

pub use clickhouse::ClickHouse;
pub(crate) use clickhouse::client;
pub use memory::{MemorySink, Tables};
pub use schema::{apply_schema, claim_generation};

use crate::{
    Error,
    pipeline::{Rows, Watermark},
};

/// A store that readers ask.
pub trait Sink: Send + Sync + 'static {
    /// Writes a batch: events, facts, fact versions and findings first, then cells, values and watermark as one block.
    ///
    /// # Errors
    /// The store did not take all of it; writing the batch again is safe.
    fn write(&self, rows: &Rows) -> impl Future<Output = Result<(), Error>> + Send;

    /// The newest watermark of a partition.
    ///
    /// # Errors
    /// The store cannot be read.
    fn watermark(&self, generation: u32, partition: i32) -> impl Future<Output = Result<Option<Watermark>, Error>> + Send;

    /// Says how far partitions were read, also when there was nothing to add.
    ///
    /// # Errors
    /// The store did not take it.
    fn heartbeat(&self, generation: u32, beats: &[Heartbeat]) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A partition's sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Partition of the log.
    pub partition: i32,
    /// Last position that is in the numbers; −1 for none.
    pub position: i64,
    /// Last position of the log when looked at; −1 for none.
    pub end_position: i64,
    /// In-sync copies that the log keeps of each record.
    pub copies: i32,
    /// The projector's clock, milliseconds.
    pub written_at: i64,
}
