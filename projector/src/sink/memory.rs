//! The twin in memory: keeps, per key, the row with the highest version, as ReplacingMergeTree does under FINAL.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tidemark_schemas::{fact::Fact, table::FactTable};

use super::{Heartbeat, Sink};
use crate::{
    Error,
    change::FindingKind,
    measure::{Cell, CellKey, ValueKey},
    pipeline::{Rows, Watermark},
};

/// A row and the position that it is from; none where it is deleted.
type Versioned<T> = (i64, Option<T>);

/// What readers would see.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Tables {
    /// Verdict of every record, by tenant and position.
    pub events: BTreeMap<(String, i64), String>,
    facts: BTreeMap<(String, FactTable, String), Versioned<Fact>>,
    /// Every change of a fact, by tenant, table, key and position; none where the fact ceased to exist.
    pub versions: BTreeMap<(String, FactTable, String, i64), Option<Fact>>,
    findings: BTreeMap<(String, FindingKind, String), Versioned<String>>,
    cells: BTreeMap<(String, CellKey), Versioned<Cell>>,
    values: BTreeMap<(String, ValueKey), Versioned<i64>>,
    watermarks: BTreeMap<i32, Watermark>,
}

/// The sink of tests.
#[derive(Debug, Default)]
pub struct MemorySink {
    tables: Mutex<Tables>,
}

fn put<K: Ord, T>(rows: &mut BTreeMap<K, Versioned<T>>, key: K, version: i64, row: Option<T>) {
    // Of equal versions the one inserted last counts, as in ReplacingMergeTree.
    if rows.get(&key).is_none_or(|(known, _)| *known <= version) {
        rows.insert(key, (version, row));
    }
}

fn live<K: Clone + Ord, T: Clone>(rows: &BTreeMap<K, Versioned<T>>) -> BTreeMap<K, T> {
    rows.iter().filter_map(|(key, (_, row))| Some((key.clone(), row.clone()?))).collect()
}

impl Tables {
    /// Facts that exist, by tenant, table and key.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<(String, FactTable, String), Fact> {
        live(&self.facts)
    }

    /// Cells that hold facts.
    #[must_use]
    pub fn cells(&self) -> BTreeMap<(String, CellKey), Cell> {
        live(&self.cells)
    }

    /// Values that facts have, and how many.
    #[must_use]
    pub fn values(&self) -> BTreeMap<(String, ValueKey), i64> {
        live(&self.values)
    }

    /// Findings that hold.
    #[must_use]
    pub fn findings(&self) -> BTreeMap<(String, String, String), String> {
        live(&self.findings)
            .into_iter()
            .map(|((tenant, kind, subject), detail)| ((tenant, kind.name().to_owned(), subject), detail))
            .collect()
    }
}

impl MemorySink {
    /// What readers would see now.
    #[must_use]
    pub fn tables(&self) -> Tables {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for MemorySink {
    async fn write(&self, rows: &Rows) -> Result<(), Error> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for (tenant, rows) in &rows.tenants {
            let tenant = tenant.to_string();
            for row in &rows.events {
                tables.events.insert((tenant.clone(), row.position), row.verdict.to_owned());
            }
            for ((table, key), row) in &rows.facts {
                put(
                    &mut tables.facts,
                    (tenant.clone(), *table, key.clone()),
                    row.version,
                    (!row.is_deleted).then(|| row.fact.clone()),
                );
            }
            for row in &rows.versions {
                let key = (tenant.clone(), row.fact.table, row.fact.key(), row.position);
                tables.versions.insert(key, row.exists.then(|| row.fact.clone()));
            }
            for ((kind, subject), row) in &rows.findings {
                put(
                    &mut tables.findings,
                    (tenant.clone(), *kind, subject.clone()),
                    row.version,
                    row.holds.then(|| row.detail.clone()),
                );
            }
            for (key, row) in &rows.cells {
                put(
                    &mut tables.cells,
                    (tenant.clone(), key.clone()),
                    row.version,
                    (row.cell.facts != 0).then(|| row.cell.clone()),
                );
            }
            for (key, row) in &rows.values {
                put(&mut tables.values, (tenant.clone(), key.clone()), row.version, (row.facts != 0).then_some(row.facts));
            }
        }
        tables.watermarks.insert(rows.watermark.partition, rows.watermark.clone());
        Ok(())
    }

    async fn watermark(&self, _generation: u32, partition: i32) -> Result<Option<Watermark>, Error> {
        Ok(self.tables.lock().unwrap_or_else(PoisonError::into_inner).watermarks.get(&partition).cloned())
    }

    async fn heartbeat(&self, _generation: u32, _beats: &[Heartbeat]) -> Result<(), Error> {
        Ok(())
    }
}
