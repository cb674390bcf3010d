//! The twin in memory: tables are parts, each insert one, merged or not, and read as ReplacingMergeTree is under FINAL:
//! per key the row with the highest version; of equal versions the one inserted last.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidemark_schemas::{fact::Fact, table::FactTable};

use super::{Found, GenerationId, Heartbeat, Sink};
use crate::{
    Error,
    change::FindingKind,
    measure::{Cell, CellKey, ValueKey},
    pipeline::{Rows, Table, TenantRows, Watermark},
};

/// What identifies a row of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowKey {
    /// Position of a record.
    Event(Arc<str>, i64),
    /// Table and key of a fact.
    Fact(Arc<str>, FactTable, String),
    /// Table and key of a fact, and the position of a change.
    Version(Arc<str>, FactTable, String, i64),
    /// Kind and subject of a finding.
    Finding(Arc<str>, FindingKind, String),
    /// A cell.
    Cell(Arc<str>, CellKey),
    /// A value of a cell's multiset.
    Value(Arc<str>, ValueKey),
    /// Partition of a watermark.
    Watermark(i32),
}

impl RowKey {
    /// The company; none for a watermark.
    #[must_use]
    pub fn tenant(&self) -> Option<&Arc<str>> {
        match self {
            Self::Event(tenant, ..)
            | Self::Fact(tenant, ..)
            | Self::Version(tenant, ..)
            | Self::Finding(tenant, ..)
            | Self::Cell(tenant, ..)
            | Self::Value(tenant, ..) => Some(tenant),
            Self::Watermark(_) => None,
        }
    }
}

/// What a row says.
#[derive(Debug, Clone, PartialEq)]
pub enum RowValue {
    /// What a record was on arrival, and its hash.
    Event(&'static str, u64),
    /// A fact.
    Fact(Fact),
    /// A fact after a change; none where it ceased to exist.
    Version(Option<Fact>),
    /// One sentence.
    Finding(String),
    /// A cell's content.
    Cell(Cell),
    /// How many facts have the value.
    Value(i64),
    /// How far the numbers go.
    Watermark(Watermark),
}

/// A row's version and what it says; nothing where it is deleted.
type Versioned = (i64, Option<RowValue>);

/// The rows of one insert, or of several that were merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Part {
    rows: BTreeMap<RowKey, Versioned>,
}

/// Each table's parts in the order of their insertion.
pub type Parts = BTreeMap<Table, Vec<Arc<Part>>>;

/// The sink of tests and of the simulator.
#[derive(Debug, Default)]
pub struct MemorySink {
    parts: Mutex<Parts>,
    /// How far added KPIs are measured, by KPI and partition, percent.
    backfills: Mutex<BTreeMap<(String, i32), u8>>,
}

/// What readers see.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tables {
    rows: BTreeMap<RowKey, RowValue>,
}

impl Part {
    /// A batch's rows of a table.
    #[must_use]
    pub fn of(table: Table, rows: &Rows) -> Self {
        let mut part = Self::default();
        for (tenant, rows) in &rows.tenants {
            part.add(table, tenant, rows);
        }
        if table == Table::Cells && rows.watermark.is_news() {
            let mark = &rows.watermark;
            part.rows.insert(RowKey::Watermark(mark.partition), (mark.version(), Some(RowValue::Watermark(mark.clone()))));
        }
        part
    }

    /// Only its first rows: what an insert that was cut off leaves behind.
    #[must_use]
    pub fn first(self, rows: usize) -> Self {
        Self { rows: self.rows.into_iter().take(rows).collect() }
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn add(&mut self, table: Table, tenant: &Arc<str>, rows: &TenantRows) {
        let tenant = || tenant.clone();
        match table {
            // Tables without a version: of equal keys the row inserted last counts.
            Table::Events => self.rows.extend(rows.events.iter().map(|row| {
                let value = RowValue::Event(row.verdict, row.record_hash);
                (RowKey::Event(tenant(), row.position), (0, Some(value)))
            })),
            Table::FactVersions => self.rows.extend(rows.versions.iter().map(|row| {
                let key = RowKey::Version(tenant(), row.fact.table, row.key.to_string(), row.position);
                (key, (0, Some(RowValue::Version(row.exists.then(|| row.fact.as_ref().clone())))))
            })),
            Table::Facts(kind) => self.rows.extend(rows.facts.get(&kind).into_iter().flatten().map(|(key, row)| {
                let value = (!row.is_deleted).then(|| RowValue::Fact(row.fact.as_ref().clone()));
                (RowKey::Fact(tenant(), kind, key.to_string()), (row.version, value))
            })),
            Table::Findings => self.rows.extend(rows.findings.iter().map(|((kind, subject), row)| {
                let value = row.holds.then(|| RowValue::Finding(row.detail.clone()));
                (RowKey::Finding(tenant(), *kind, subject.clone()), (row.version, value))
            })),
            Table::Cells => {
                self.rows.extend(rows.cells.iter().map(|(key, row)| {
                    let value = (row.cell.facts != 0).then(|| RowValue::Cell(row.cell.clone()));
                    (RowKey::Cell(tenant(), key.clone()), (row.version, value))
                }));
                self.rows.extend(rows.values.iter().map(|(key, row)| {
                    let value = (row.facts != 0).then_some(RowValue::Value(row.facts));
                    (RowKey::Value(tenant(), key.clone()), (row.version, value))
                }));
            }
        }
    }

    /// Takes in a part that was inserted after this one.
    fn merge(&mut self, later: Self) {
        for (key, row) in later.rows {
            if self.rows.get(&key).is_none_or(|(version, _)| *version <= row.0) {
                self.rows.insert(key, row);
            }
        }
    }
}

impl MemorySink {
    /// Inserts a part.
    pub fn add(&self, table: Table, part: Part) {
        self.parts().entry(table).or_default().push(Arc::new(part));
    }

    /// How many parts each table has.
    #[must_use]
    pub fn part_counts(&self) -> BTreeMap<Table, usize> {
        self.parts().iter().map(|(table, parts)| (*table, parts.len())).collect()
    }

    /// Merges neighbouring parts of a table into one.
    pub fn merge(&self, table: Table, range: Range<usize>) {
        if let Some(parts) = self.parts().get_mut(&table)
            && range.end <= parts.len()
        {
            let mut merged = Part::default();
            parts.splice(range.clone(), []).for_each(|part| merged.merge(Arc::unwrap_or_clone(part)));
            parts.insert(range.start, Arc::new(merged));
        }
    }

    /// Loses the newest parts of a table.
    pub fn lose(&self, table: Table, newest: usize) {
        if let Some(parts) = self.parts().get_mut(&table) {
            parts.truncate(parts.len().saturating_sub(newest));
        }
    }

    /// A backup.
    #[must_use]
    pub fn backup(&self) -> Parts {
        self.parts().clone()
    }

    /// Makes some tables what they were at a backup.
    pub fn restore(&self, backup: Parts, tables: impl Fn(Table) -> bool) {
        let mut parts = self.parts();
        parts.retain(|table, _| !tables(*table));
        parts.extend(backup.into_iter().filter(|(table, _)| tables(*table)));
    }

    /// How far an added KPI is measured in a partition, percent; none where it was never added.
    #[must_use]
    pub fn measured(&self, kpi: &str, partition: i32) -> Option<u8> {
        self.backfills().get(&(kpi.to_owned(), partition)).copied()
    }

    /// What a partition's numbers stand on, without reading anything else.
    #[must_use]
    pub fn newest_watermark(&self, partition: i32) -> Option<Watermark> {
        let parts = self.parts();
        let key = RowKey::Watermark(partition);
        let found = parts.get(&Table::Cells).into_iter().flatten().filter_map(|part| part.rows.get(&key));
        found.max_by_key(|(version, _)| *version).and_then(|(_, value)| match value {
            Some(RowValue::Watermark(watermark)) => Some(watermark.clone()),
            _ => None,
        })
    }

    /// What readers see now.
    #[must_use]
    pub fn tables(&self) -> Tables {
        let parts = self.parts();
        let mut newest: BTreeMap<&RowKey, &Versioned> = BTreeMap::new();
        for (key, row) in parts.values().flatten().flat_map(|part| &part.rows) {
            if newest.get(key).is_none_or(|(version, _)| *version <= row.0) {
                newest.insert(key, row);
            }
        }
        let rows = newest.into_iter().filter_map(|(key, (_, value))| Some((key.clone(), value.clone()?)));
        Tables { rows: rows.collect() }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn backfills(&self) -> MutexGuard<'_, BTreeMap<(String, i32), u8>> {
        self.backfills.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for MemorySink {
    async fn insert(&self, table: Table, rows: &Rows) -> Result<(), Error> {
        self.add(table, Part::of(table, rows));
        Ok(())
    }

    async fn watermark(&self, _generation: u32, partition: i32) -> Result<Option<Watermark>, Error> {
        Ok(self.newest_watermark(partition))
    }

    async fn newest_event(&self, tenants: &[Arc<str>], from: i64) -> Result<Option<(i64, u64)>, Error> {
        let parts = self.parts();
        let rows = parts.get(&Table::Events).into_iter().flatten().flat_map(|part| &part.rows);
        let events = rows.filter_map(|(key, (_, value))| match (key, value) {
            (RowKey::Event(tenant, position), Some(RowValue::Event(_, hash))) if tenants.contains(tenant) => {
                Some((*position, *hash))
            }
            _ => None,
        });
        Ok(events.filter(|(position, _)| *position >= from).max_by_key(|(position, _)| *position))
    }

    async fn found(&self, tables: &[(Table, i64)], _generation: u32, tenants: &[Arc<str>]) -> Result<Vec<Found>, Error> {
        let parts = self.parts();
        let found = tables.iter().map(|(table, from)| {
            let rows = parts.get(table).into_iter().flatten().flat_map(|part| &part.rows);
            let found = rows.filter_map(|(key, (version, _))| match key {
                RowKey::Event(tenant, position) | RowKey::Version(tenant, .., position) => Some((key, tenant, *position)),
                RowKey::Fact(tenant, ..) | RowKey::Finding(tenant, ..) | RowKey::Cell(tenant, _) | RowKey::Value(tenant, _) => {
                    Some((key, tenant, *version))
                }
                RowKey::Watermark(_) => None,
            });
            let found: Vec<_> = found.filter(|(_, tenant, version)| version >= from && tenants.contains(tenant)).collect();
            let keys: BTreeSet<&RowKey> = found.iter().map(|(key, ..)| *key).collect();
            let version = found.iter().map(|(.., version)| *version).max().unwrap_or(0);
            Found { rows: keys.len() as u64, version }
        });
        Ok(found.collect())
    }

    async fn heartbeat(&self, _generation: u32, _beats: &[Heartbeat]) -> Result<(), Error> {
        Ok(())
    }

    async fn stands(&self, _id: &GenerationId) -> Result<bool, Error> {
        Ok(true)
    }

    async fn announce(&self, _generation: u32, partition: i32, kpis: &[String], percent: u8) -> Result<(), Error> {
        let mut backfills = self.backfills();
        for kpi in kpis {
            let known = backfills.entry((kpi.clone(), partition)).or_default();
            *known = percent.max(*known);
        }
        Ok(())
    }

    async fn added(&self, _generation: u32, partition: i32) -> Result<Vec<(String, u8)>, Error> {
        let backfills = self.backfills();
        let added = backfills.iter().filter(|((_, at), _)| *at == partition);
        Ok(added.map(|((kpi, _), percent)| (kpi.clone(), *percent)).collect())
    }
}

impl Tables {
    /// Every row that is there.
    pub fn rows(&self) -> impl Iterator<Item = (&RowKey, &RowValue)> {
        self.rows.iter()
    }

    /// What a partition's numbers stand on.
    #[must_use]
    pub fn watermark(&self, partition: i32) -> Option<&Watermark> {
        match self.rows.get(&RowKey::Watermark(partition)) {
            Some(RowValue::Watermark(watermark)) => Some(watermark),
            _ => None,
        }
    }

    /// The same without watermarks, which say where batches were cut.
    #[must_use]
    pub fn without_watermarks(mut self) -> Self {
        self.rows.retain(|key, _| !matches!(key, RowKey::Watermark(_)));
        self
    }

    /// Verdicts in the order of positions.
    #[must_use]
    pub fn verdicts(&self) -> Vec<&'static str> {
        self.rows
            .values()
            .filter_map(|value| if let RowValue::Event(verdict, _) = value { Some(*verdict) } else { None })
            .collect()
    }

    /// Facts that exist, by company, table and key.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<(Arc<str>, FactTable, String), Fact> {
        let facts = self.rows.iter().filter_map(|(key, value)| match (key, value) {
            (RowKey::Fact(tenant, table, key), RowValue::Fact(fact)) => {
                Some(((tenant.clone(), *table, key.clone()), fact.clone()))
            }
            _ => None,
        });
        facts.collect()
    }

    /// Cells that hold facts.
    #[must_use]
    pub fn cells(&self) -> BTreeMap<(Arc<str>, CellKey), Cell> {
        let cells = self.rows.iter().filter_map(|(key, value)| match (key, value) {
            (RowKey::Cell(tenant, key), RowValue::Cell(cell)) => Some(((tenant.clone(), key.clone()), cell.clone())),
            _ => None,
        });
        cells.collect()
    }

    /// Values that facts have, and how many.
    #[must_use]
    pub fn values(&self) -> BTreeMap<(Arc<str>, ValueKey), i64> {
        let values = self.rows.iter().filter_map(|(key, value)| match (key, value) {
            (RowKey::Value(tenant, key), RowValue::Value(facts)) => Some(((tenant.clone(), key.clone()), *facts)),
            _ => None,
        });
        values.collect()
    }

    /// Findings that hold.
    #[must_use]
    pub fn findings(&self) -> BTreeMap<(Arc<str>, &'static str, String), String> {
        let findings = self.rows.iter().filter_map(|(key, value)| match (key, value) {
            (RowKey::Finding(tenant, kind, subject), RowValue::Finding(detail)) => {
                Some(((tenant.clone(), kind.name(), subject.clone()), detail.clone()))
            }
            _ => None,
        });
        findings.collect()
    }
}
