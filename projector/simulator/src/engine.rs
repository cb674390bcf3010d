//! The engine as a worker's connection sees it: inserts that fail before, while or after they are applied, or are applied
//! when nobody waits for them any more.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tidemark_projector::{
    Error,
    pipeline::{Rows, Table, Watermark},
    sink::{Found, GenerationId, Heartbeat, Part, Sink},
};

use crate::{
    faults::Point,
    world::{Place, SharedPlace, World, lock, unreachable},
};

/// A worker's connection to the engine.
pub(crate) struct Engine {
    world: Arc<World>,
    epoch: AtomicU64,
    place: SharedPlace,
}

impl Engine {
    pub(crate) fn connect(world: Arc<World>, place: SharedPlace) -> Self {
        let epoch = AtomicU64::new(world.sink_epoch.load(Ordering::Relaxed));
        Self { world, epoch, place }
    }

    /// One way to the engine: it fails where every connection was lost since the last.
    async fn travel(&self) -> Result<(), Error> {
        futures::pending!();
        let epoch = self.world.sink_epoch.load(Ordering::Relaxed);
        if self.epoch.swap(epoch, Ordering::Relaxed) == epoch { Ok(()) } else { Err(unreachable("ClickHouse")) }
    }

    /// What becomes of an insert; an error is an answer that nobody can tell from another.
    fn apply(&self, table: Table, rows: &Rows) -> Result<(), Error> {
        let part = Part::of(table, rows);
        if self.world.now() < self.world.refuses_until_ms.load(Ordering::Relaxed) {
            self.world.hit(Point::InsertRefused);
            return Err(Error::Refused { reason: "Code: 164. readonly".to_owned() });
        }
        if self.world.goes_wrong(6, Point::InsertNotApplied) {
            return Err(unreachable("ClickHouse"));
        }
        if self.world.goes_wrong(6, Point::InsertApplied) {
            self.world.sink.add(table, part);
            return Err(unreachable("ClickHouse"));
        }
        // Cells and watermark are one block of one partition, which the engine takes as a whole or not at all.
        if table != Table::Cells && part.len() > 1 && self.world.goes_wrong(10, Point::InsertAppliedInPart) {
            let rows = self.world.between(1, part.len() - 1);
            self.world.sink.add(table, part.first(rows));
            return Err(unreachable("ClickHouse"));
        }
        if self.world.goes_wrong(6, Point::InsertAppliedLater) {
            lock(&self.world.late).push((table, part));
            return Err(unreachable("ClickHouse"));
        }
        self.world.sink.add(table, part);
        Ok(())
    }
}

impl Sink for Engine {
    async fn insert(&self, table: Table, rows: &Rows) -> Result<(), Error> {
        let is_first = rows.tables().first() == Some(&table);
        *lock(&self.place) = if is_first { Place::BeforeInserts } else { Place::BetweenInserts };
        self.travel().await?;
        self.apply(table, rows)?;
        if table == Table::Cells {
            *lock(&self.place) = Place::Written;
        }
        self.travel().await
    }

    async fn watermark(&self, generation: u32, partition: i32) -> Result<Option<Watermark>, Error> {
        self.travel().await?;
        if self.world.goes_wrong(10, Point::SinkUnreachable) {
            return Err(unreachable("ClickHouse"));
        }
        self.world.sink.watermark(generation, partition).await
    }

    async fn newest_event(&self, tenants: &[Arc<str>], from: i64) -> Result<Option<(i64, u64)>, Error> {
        self.travel().await?;
        self.world.sink.newest_event(tenants, from).await
    }

    async fn found(&self, tables: &[(Table, i64)], generation: u32, tenants: &[Arc<str>]) -> Result<Vec<Found>, Error> {
        self.world.sink.found(tables, generation, tenants).await
    }

    async fn heartbeat(&self, _generation: u32, _beats: &[Heartbeat]) -> Result<(), Error> {
        Ok(())
    }

    async fn stands(&self, id: &GenerationId) -> Result<bool, Error> {
        self.travel().await?;
        self.world.sink.stands(id).await
    }

    async fn announce(&self, generation: u32, partition: i32, kpis: &[String], percent: u8) -> Result<(), Error> {
        self.travel().await?;
        self.world.sink.announce(generation, partition, kpis, percent).await
    }

    async fn added(&self, generation: u32, partition: i32) -> Result<Vec<(String, u8)>, Error> {
        self.travel().await?;
        self.world.sink.added(generation, partition).await
    }
}
