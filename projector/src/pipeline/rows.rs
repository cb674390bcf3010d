//! What a batch leaves behind, as absolute rows: written twice they are the same rows, written late they lose by version.

use std::{collections::BTreeMap, sync::Arc};

use tidemark_schemas::{
    events::{Event, wire},
    fact::Fact,
    table::FactTable,
};

use crate::{
    change::{FactChange, Finding, FindingKind},
    decode::Poison,
    measure::{CellKey, CellRow, ValueKey, ValueRow},
};

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
    pub facts: BTreeMap<(FactTable, String), FactRow>,
    /// One per change of a fact.
    pub versions: Vec<VersionRow>,
    /// One per finding that was touched.
    pub findings: BTreeMap<(FindingKind, String), FindingRow>,
    /// One per cell that was touched.
    pub cells: BTreeMap<CellKey, CellRow>,
    /// One per value of a multiset that was touched.
    pub values: BTreeMap<ValueKey, ValueRow>,
}

/// A record of the log.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Its offset.
    pub position: i64,
    /// When the broker appended it, milliseconds.
    pub known_at: i64,
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
    pub fact: Fact,
    /// Position of the last event that touched it.
    pub version: i64,
    /// Whether it ceased to exist.
    pub is_deleted: bool,
}

/// A fact after one event.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The fact; the last there was, when it ceased to exist.
    pub fact: Fact,
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
    /// Hash of the record at `to`.
    pub record_hash: u64,
    /// Which log.
    pub log_id: String,
}

impl Rows {
    /// Nothing yet, from that offset on.
    #[must_use]
    pub fn new(partition: i32, generation: u32, from: i64) -> Self {
        let watermark = Watermark { partition, from, to: from - 1, record_hash: 0, log_id: String::new() };
        Self { generation, tenants: BTreeMap::new(), poison: Vec::new(), watermark }
    }

    /// Whether no record was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watermark.to < self.watermark.from
    }

    pub(crate) fn tenant(&mut self, tenant: &Arc<str>) -> &mut TenantRows {
        self.tenants.entry(tenant.clone()).or_default()
    }
}

impl Watermark {
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
        self.facts.insert((fact.table, fact.key()), FactRow { fact: fact.clone(), version: position, is_deleted: !exists });
        self.versions.push(VersionRow { fact: fact.clone(), position, known_at, exists });
    }
}

impl EventRow {
    pub(crate) fn new(position: i64, known_at: i64, event: &Event) -> Self {
        let data = wire::payload_to_json(&event.data).map(|data| without_nulls(data).to_string()).unwrap_or_default();
        Self { position, known_at, event: event.clone(), verdict: "", data }
    }
}

fn without_nulls(data: serde_json::Value) -> serde_json::Value {
    match data {
        serde_json::Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// Tells one record from another at the same offset of another log.
#[must_use]
pub fn record_hash(value: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(value)
}
