//! What a batch leaves behind, as absolute rows: written twice they are the same rows, written late they lose by version.

use std::{collections::BTreeMap, sync::Arc};

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    events::{Event, wire},
    fact::Fact,
    table::FactTable,
};

use crate::{
    Error,
    change::{FactChange, Finding, FindingKind},
    decode::Poison,
    measure::{Cell, CellKey, CellRow, ValueKey, ValueRow},
};

/// Room for steps in a watermark's version.
const STEP_BITS: u32 = 16;

/// Rows by key, in the order in which the batch came to them.
pub type KeyedRows<K, V> = IndexMap<K, V, RandomState>;

/// All rows of a batch.
#[derive(Debug)]
pub struct Rows {
    /// The set of numbers they belong to.
    pub generation: u32,
    /// Per company.
    pub tenants: BTreeMap<Arc<str>, TenantRows>,
    /// Records that say nothing.
    pub poison: Vec<Poison>,
    /// How far the batch goes.
    pub watermark: Watermark,
}

/// The rows of one company.
#[derive(Debug, Default)]
pub struct TenantRows {
    /// One per record.
    pub events: Vec<EventRow>,
    /// One per fact that was touched, by table and key.
    pub facts: BTreeMap<FactTable, KeyedRows<Arc<str>, FactRow>>,
    /// One per change of a fact.
    pub versions: Vec<VersionRow>,
    /// One per finding that was touched.
    pub findings: BTreeMap<(FindingKind, String), FindingRow>,
    /// One per cell that was touched.
    pub cells: KeyedRows<CellKey, CellRow>,
    /// One per value of a multiset that was touched.
    pub values: KeyedRows<ValueKey, ValueRow>,
}

/// A record of the log.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its offset.
    pub position: i64,
    /// When the broker appended it, milliseconds.
    pub known_at: i64,
    /// Hash of the record.
    pub record_hash: u64,
    /// The event.
    pub event: Event,
    /// What it turned out to be on arrival.
    pub verdict: &'static str,
    /// Its payload as JSON.
    pub data: String,
}

/// A fact after the batch.
#[derive(Debug, Clone)]
pub struct FactRow {
    /// The fact; the last there was, when it is deleted.
    pub fact: Arc<Fact>,
    /// Position of the last event that touched it.
    pub version: i64,
    /// Whether it ceased to exist.
    pub is_deleted: bool,
}

/// A fact after one event.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// [`Fact::key`].
    pub key: Arc<str>,
    /// The fact; the last there was, when it ceased to exist.
    pub fact: Arc<Fact>,
    /// Position of the event.
    pub position: i64,
    /// When the broker appended it, milliseconds.
    pub known_at: i64,
    /// Whether it exists after the event.
    pub exists: bool,
}

/// A finding after the batch.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// One sentence.
    pub detail: String,
    /// Position of the last event that touched it.
    pub version: i64,
    /// Whether it still holds.
    pub holds: bool,
}

/// How far a partition's numbers go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// Partition of the log.
    pub partition: i32,
    /// First position of the batch.
    pub from: i64,
    /// Last position of the batch; below `from` when there was no record.
    pub to: i64,
    /// How many blocks of cells of added KPIs were written at `to`; they come without a record of their own.
    pub step: i64,
    /// Hash of the record at `to`.
    pub record_hash: u64,
    /// Which log.
    pub log_id: String,
}

/// A table that a batch has rows for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Table {
    /// Every record.
    Events,
    /// Facts of one kind.
    Facts(FactTable),
    /// Every change of a fact.
    FactVersions,
    /// What could not be counted.
    Findings,
    /// Cells, values of multisets and the watermark.
    Cells,
}

/// What a batch wrote to one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// First position of the batch: no row is older.
    pub from: i64,
    /// The newest version among the rows.
    pub version: i64,
    /// How many rows.
    pub rows: u64,
}

impl Table {
    /// Every table, in the order in which readers may see a batch's rows.
    pub fn all() -> impl Iterator<Item = Self> {
        let facts = FactTable::ALL.iter().map(|table| Self::Facts(*table));
        [Self::Events].into_iter().chain(facts).chain([Self::FactVersions, Self::Findings, Self::Cells])
    }

    /// Its name in ClickHouse.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Facts(table) => table.name(),
            Self::FactVersions => "fact_versions",
            Self::Findings => "findings",
            Self::Cells => "kpi_cells",
        }
    }
}

impl Rows {
    /// Nothing yet, from that offset on.
    #[must_use]
    pub fn new(partition: i32, generation: u32, from: i64) -> Self {
        let watermark = Watermark { partition, from, to: from - 1, step: 0, record_hash: 0, log_id: String::new() };
        Self { generation, tenants: BTreeMap::new(), poison: Vec::new(), watermark }
    }

    /// Whether no record was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watermark.to < self.watermark.from
    }

    /// The tables that have rows, in the order that they must be written: whoever sees a watermark sees what it stands for.
    #[must_use]
    pub fn tables(&self) -> Vec<Table> {
        Table::all().filter(|table| *table == Table::Cells || self.count(*table) > 0).collect()
    }

    /// How many rows of a table there are, besides the watermark.
    #[must_use]
    pub fn count(&self, table: Table) -> u64 {
        let of_tenant = |rows: &TenantRows| match table {
            Table::Events => rows.events.len(),
            Table::Facts(kind) => rows.facts.get(&kind).map_or(0, IndexMap::len),
            Table::FactVersions => rows.versions.len(),
            Table::Findings => rows.findings.len(),
            Table::Cells => rows.cells.len() + rows.values.len(),
        };
        self.tenants.values().map(|rows| of_tenant(rows) as u64).sum()
    }

    /// What its rows of a table are known by later.
    #[must_use]
    pub fn written(&self, table: Table) -> Written {
        let of_tenant = |rows: &TenantRows| match table {
            Table::Events => rows.events.iter().map(|row| row.position).max(),
            Table::Facts(kind) => rows.facts.get(&kind).into_iter().flatten().map(|(_, row)| row.version).max(),
            Table::FactVersions => rows.versions.iter().map(|row| row.position).max(),
            Table::Findings => rows.findings.values().map(|row| row.version).max(),
            Table::Cells => rows.cells.values().map(|row| row.version).max(),
        };
        let version = self.tenants.values().filter_map(of_tenant).max().unwrap_or(-1);
        Written { from: self.watermark.from, version, rows: self.count(table) }
    }

    /// Forgets what ceased to exist, which is wrong.
    pub(crate) fn without_deleted(&mut self) {
        for rows in self.tenants.values_mut() {
            rows.facts.values_mut().for_each(|rows| rows.retain(|_, row| !row.is_deleted));
            rows.findings.retain(|_, row| row.holds);
            rows.cells.retain(|_, row| row.cell.facts != 0);
            rows.values.retain(|_, row| row.facts != 0);
        }
    }

    /// Leaves of some KPIs' cells those that hold nothing any more.
    pub(super) fn only_emptied_cells(&mut self, of: impl Fn(&str) -> bool) {
        for rows in self.tenants.values_mut() {
            rows.cells.retain(|key, row| row.cell.facts == 0 || !of(&key.kpi));
            rows.values.retain(|key, row| row.facts == 0 || !of(&key.cell.kpi));
        }
    }

    /// Gives every row the same version, which is wrong.
    pub(crate) fn with_version(&mut self, version: i64) {
        for rows in self.tenants.values_mut() {
            rows.facts.values_mut().flatten().for_each(|(_, row)| row.version = version);
            rows.findings.values_mut().for_each(|row| row.version = version);
            rows.cells.values_mut().for_each(|row| row.version = version);
            rows.values.values_mut().for_each(|row| row.version = version);
        }
    }

    /// Forgets the cells that are what they were before the batch, which is wrong.
    pub(crate) fn without_unchanged_cells(
        &mut self,
        before: impl Fn(&str, &CellKey) -> Result<Cell, Error>,
    ) -> Result<(), Error> {
        for (tenant, rows) in &mut self.tenants {
            let cells = std::mem::take(&mut rows.cells);
            for (key, row) in cells {
                let before = before(tenant, &key)?;
                if before != row.cell && before.facts + row.cell.facts != 0 {
                    rows.cells.insert(key, row);
                }
            }
        }
        Ok(())
    }

    pub(crate) fn tenant(&mut self, tenant: &Arc<str>) -> &mut TenantRows {
        self.tenants.entry(tenant.clone()).or_default()
    }
}

impl Watermark {
    /// Whether it says anything: that records were read, or cells of added KPIs written.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.to >= self.from || self.step > 0
    }

    /// Orders watermarks of a partition.
    #[must_use]
    pub fn version(&self) -> i64 {
        (self.to << STEP_BITS) + self.step
    }

    pub(crate) fn read(&mut self, offset: i64, record_hash: u64) {
        self.to = offset;
        self.record_hash = record_hash;
    }
}

impl TenantRows {
    pub(crate) fn finding(&mut self, finding: Finding, holds: bool, version: i64) {
        self.findings.insert((finding.kind, finding.subject), FindingRow { detail: finding.detail, version, holds });
    }

    pub(crate) fn fact(&mut self, change: &FactChange) {
        let (position, known_at) = (change.position, change.known_at);
        let Some(fact) = change.new.as_ref().or(change.old.as_ref()) else { return };
        let exists = change.new.is_some();
        let row = FactRow { fact: fact.clone(), version: position, is_deleted: !exists };
        self.facts.entry(fact.table).or_default().insert(change.key.clone(), row);
        self.versions.push(VersionRow { key: change.key.clone(), fact: fact.clone(), position, known_at, exists });
    }
}

impl EventRow {
    pub(crate) fn new(position: i64, known_at: i64, record_hash: u64, event: &Event) -> Self {
        let data = wire::payload_to_json(&event.data).map(|data| without_nulls(data).to_string()).unwrap_or_default();
        Self { position, known_at, record_hash, event: event.clone(), verdict: "", data }
    }
}

fn without_nulls(data: serde_json::Value) -> serde_json::Value {
    match data {
        serde_json::Value::Object(mut members) => {
            members.retain(|_, value| !value.is_null());
            serde_json::Value::Object(members)
        }
        other => other,
    }
}

/// Tells one record from another at the same offset of another log.
#[must_use]
pub fn record_hash(value: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(value)
}
