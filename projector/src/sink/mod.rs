//! Where rows go: ClickHouse, or its twin in memory. Writing the same rows twice, late or in another order than they were
//! made changes nothing, because every row is absolute and carries the position that it is from.

pub(crate) mod batches;
mod clickhouse;
mod memory;
mod refusal;
mod schema;
mod shared;

use std::{future::Future, sync::Arc};

use futures::future::try_join_all;

pub use clickhouse::ClickHouse;
pub(crate) use clickhouse::client;
pub use memory::{MemorySink, Part, Parts, RowKey, RowValue, Tables};
pub(crate) use refusal::{is_full, is_refusal, mend};
pub use schema::apply_schema;

use crate::{
    Error,
    pipeline::{Rows, Table, Watermark},
};

/// A store that readers ask.
pub trait Sink: Send + Sync + 'static {
    /// Inserts a batch's rows of one table, as one block.
    ///
    /// # Errors
    /// The store did not take it, or nobody knows whether it did; inserting it again is safe.
    fn insert(&self, table: Table, rows: &Rows) -> impl Future<Output = Result<(), Error>> + Send;

    /// The newest watermark of a partition.
    ///
    /// # Errors
    /// The store cannot be read.
    fn watermark(&self, generation: u32, partition: i32) -> impl Future<Output = Result<Option<Watermark>, Error>> + Send;

    /// Position and record hash of the newest event of these companies from that position on.
    ///
    /// # Errors
    /// The store cannot be read.
    fn newest_event(&self, tenants: &[Arc<str>], from: i64) -> impl Future<Output = Result<Option<(i64, u64)>, Error>> + Send;

    /// What each of these tables has of these companies from a position on, deleted rows too.
    ///
    /// # Errors
    /// The store cannot be read.
    fn found(
        &self,
        tables: &[(Table, i64)],
        generation: u32,
        tenants: &[Arc<str>],
    ) -> impl Future<Output = Result<Vec<Found>, Error>> + Send;

    /// Says how far partitions were read, also when there was nothing to add.
    ///
    /// # Errors
    /// The store did not take it.
    fn heartbeat(&self, generation: u32, beats: &[Heartbeat]) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether a set of numbers is still wanted, as live or as being built, and made with the same definitions.
    ///
    /// # Errors
    /// The store cannot be read.
    fn stands(&self, id: &GenerationId) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Says how far KPIs that were added are measured in a partition, in percent; with 100 they can be read.
    ///
    /// # Errors
    /// The store did not take it.
    fn announce(
        &self,
        generation: u32,
        partition: i32,
        kpis: &[String],
        percent: u8,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// The KPIs that were added to a partition with numbers, and how far they are measured, percent.
    ///
    /// # Errors
    /// The store cannot be read.
    fn added(&self, generation: u32, partition: i32) -> impl Future<Output = Result<Vec<(String, u8)>, Error>> + Send;
}

/// A set of numbers and what it is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerationId {
    /// The generation.
    pub generation: u32,
    /// Hash of its definitions.
    pub definitions_hash: String,
}

/// What was found in a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// How many keys have rows.
    pub rows: u64,
    /// The newest version of them.
    pub version: i64,
}

/// Writes a batch: events, facts, fact versions and findings first, side by side; then cells, values and watermark as one block.
///
/// # Errors
/// The store did not take all of it; writing the batch again is safe.
pub async fn write<K: Sink>(sink: &K, rows: &Rows) -> Result<(), Error> {
    let before = rows.tables().into_iter().filter(|table| *table != Table::Cells);
    try_join_all(before.map(|table| sink.insert(table, rows))).await?;
    sink.insert(Table::Cells, rows).await
}

/// A partition's sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Why the partition waits for an operator; empty where it does not.
    pub stalled: String,
    /// KPIs and tenants that the files have otherwise than the definitions of this generation, joined by commas.
    pub redefined: Arc<str>,
}
