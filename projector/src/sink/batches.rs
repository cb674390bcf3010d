//! A batch's rows as Arrow, one RecordBatch per table; column names and types are those of `schemas/tables/*.sql`.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
        UInt8Array, UInt32Array, UInt64Array,
    },
    error::ArrowError,
};
use tidemark_schemas::{
    definitions::Definitions,
    fact::{Scalar, to_record_batch},
    kpi::ADDITIVE_SLOTS_MAX,
    table::FactTable,
};

use super::Heartbeat;
use crate::{
    measure::{CellKey, CellRow, ValueKey, ValueRow},
    pipeline::{EventRow, FactRow, Rows, Table, Watermark},
};

type Columns = Vec<(&'static str, ArrayRef)>;

fn batch(columns: Columns) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| {
        let nullable = array.null_count() > 0;
        (name, array, nullable)
    }))
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn optional_texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn flags(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(UInt8Array::from_iter_values(values.map(u8::from)))
}

fn versions(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values.map(|position| u64::try_from(position).unwrap_or(0))))
}

fn instants(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMillisecondArray>().with_timezone("UTC"))
}

fn decimals(values: impl Iterator<Item = i128>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(Decimal128Array::from_iter_values(values).with_precision_and_scale(38, 6)?))
}

fn generation(rows: &Rows, count: usize) -> ArrayRef {
    Arc::new(UInt32Array::from(vec![rows.generation; count]))
}

/// The record of the log.
fn events(rows: &Rows) -> Result<RecordBatch, ArrowError> {
    let all: Vec<(&str, &EventRow)> =
        rows.tenants.iter().flat_map(|(tenant, rows)| rows.events.iter().map(move |row| (tenant.as_ref(), row))).collect();
    let envelopes = || all.iter().map(|(_, row)| &row.event.envelope);
    let entities: Vec<_> = all.iter().map(|(_, row)| row.event.entity()).collect();
    batch(vec![
        ("tenant", texts(all.iter().map(|(tenant, _)| *tenant))),
        ("position", ints(all.iter().map(|(_, row)| row.position))),
        ("type", texts(all.iter().map(|(_, row)| row.event.data.event_type().name()))),
        ("source", texts(envelopes().map(|envelope| envelope.source.as_str()))),
        ("event_id", texts(envelopes().map(|envelope| envelope.event_id.as_str()))),
        ("revision", ints(envelopes().map(|envelope| envelope.revision))),
        ("verdict", texts(all.iter().map(|(_, row)| row.verdict))),
        ("entity_kind", texts(entities.iter().map(|entity| entity.as_ref().map_or("", |entity| entity.kind.name())))),
        ("entity_id", texts(entities.iter().map(|entity| entity.as_ref().map_or("", |entity| entity.id.as_str())))),
        ("account_id", optional_texts(envelopes().map(|envelope| envelope.account_id.as_deref()))),
        ("rep_id", optional_texts(envelopes().map(|envelope| envelope.rep_id.as_deref()))),
        ("occurred_at", instants(envelopes().map(|envelope| Some(envelope.occurred_at)))),
        ("recorded_at", instants(envelopes().map(|envelope| envelope.recorded_at))),
        ("received_at", instants(envelopes().map(|envelope| Some(envelope.received_at)))),
        ("known_at", instants(all.iter().map(|(_, row)| Some(row.known_at)))),
        ("data", texts(all.iter().map(|(_, row)| row.data.as_str()))),
        ("record_hash", Arc::new(UInt64Array::from_iter_values(all.iter().map(|(_, row)| row.record_hash)))),
    ])
}

/// The rows of a table.
pub fn of(table: Table, rows: &Rows) -> Result<RecordBatch, ArrowError> {
    match table {
        Table::Events => events(rows),
        Table::Facts(table) => facts(rows, table),
        Table::FactVersions => fact_versions(rows),
        Table::Findings => findings(rows),
        Table::Cells => cells(rows),
    }
}

/// The facts of one kind that were touched.
fn facts(rows: &Rows, table: FactTable) -> Result<RecordBatch, ArrowError> {
    let facts: Vec<(&str, &FactRow)> = rows
        .tenants
        .iter()
        .flat_map(|(tenant, rows)| {
            let facts = rows.facts.get(&table).into_iter().flatten();
            facts.map(move |(_, row)| (tenant.as_ref(), row))
        })
        .collect();
    let columns = to_record_batch(table, facts.iter().map(|(_, row)| row.fact.as_ref()))?;
    let names = table.definition().columns.iter().map(|column| column.name);
    let mut all: Columns =
        vec![("generation", generation(rows, facts.len())), ("tenant", texts(facts.iter().map(|(tenant, _)| *tenant)))];
    all.extend(names.zip(columns.columns().iter().cloned()));
    all.push(("version", versions(facts.iter().map(|(_, row)| row.version))));
    all.push(("is_deleted", flags(facts.iter().map(|(_, row)| row.is_deleted))));
    batch(all)
}

/// Every change of a fact.
fn fact_versions(rows: &Rows) -> Result<RecordBatch, ArrowError> {
    let all: Vec<_> =
        rows.tenants.iter().flat_map(|(tenant, rows)| rows.versions.iter().map(move |row| (tenant.as_ref(), row))).collect();
    let facts: Vec<String> = all.iter().map(|(_, row)| row.fact.to_json()).collect();
    batch(vec![
        ("generation", generation(rows, all.len())),
        ("tenant", texts(all.iter().map(|(tenant, _)| *tenant))),
        ("fact_table", texts(all.iter().map(|(_, row)| row.fact.table.name()))),
        ("fact_key", texts(all.iter().map(|(_, row)| row.key.as_ref()))),
        ("position", ints(all.iter().map(|(_, row)| row.position))),
        ("known_at", instants(all.iter().map(|(_, row)| Some(row.known_at)))),
        ("exists", flags(all.iter().map(|(_, row)| row.exists))),
        ("fact", texts(facts.iter().map(String::as_str))),
    ])
}

/// What could not be counted.
fn findings(rows: &Rows) -> Result<RecordBatch, ArrowError> {
    let all: Vec<_> = rows
        .tenants
        .iter()
        .flat_map(|(tenant, rows)| rows.findings.iter().map(move |(key, row)| (tenant.as_ref(), key, row)))
        .collect();
    batch(vec![
        ("generation", generation(rows, all.len())),
        ("tenant", texts(all.iter().map(|(tenant, ..)| *tenant))),
        ("kind", texts(all.iter().map(|(_, (kind, _), _)| kind.name()))),
        ("subject", texts(all.iter().map(|(_, (_, subject), _)| subject.as_str()))),
        ("detail", texts(all.iter().map(|(.., row)| row.detail.as_str()))),
        ("version", versions(all.iter().map(|(.., row)| row.version))),
        ("is_deleted", flags(all.iter().map(|(.., row)| !row.holds))),
    ])
}

/// One row of `kpi_cells`: a cell, a value of a multiset, or the watermark.
enum CellsRow<'a> {
    Cell(&'a str, &'a CellKey, &'a CellRow),
    Value(&'a str, &'a ValueKey, &'a ValueRow),
    Watermark(&'a Watermark),
}

/// Cells, values and the watermark as one block.
fn cells(rows: &Rows) -> Result<RecordBatch, ArrowError> {
    let cells =
        rows.tenants.iter().flat_map(|(tenant, rows)| rows.cells.iter().map(move |(key, row)| CellsRow::Cell(tenant, key, row)));
    let values = rows
        .tenants
        .iter()
        .flat_map(|(tenant, rows)| rows.values.iter().map(move |(key, row)| CellsRow::Value(tenant, key, row)));
    let watermark = rows.watermark.is_news().then_some(CellsRow::Watermark(&rows.watermark));
    let all: Vec<CellsRow<'_>> = cells.chain(values).chain(watermark).collect();
    let key = |text: fn(&CellKey) -> &str| texts(all.iter().map(|row| row.key().map_or("", text)));
    let mark =
        |number: fn(&Watermark) -> i64, otherwise: i64| ints(all.iter().map(|row| row.watermark().map_or(otherwise, number)));
    let mut columns: Columns = vec![
        ("generation", generation(rows, all.len())),
        ("tenant", texts(all.iter().map(CellsRow::tenant))),
        ("kpi", key(|key| &key.kpi)),
        ("row_kind", texts(all.iter().map(CellsRow::kind))),
        ("day", Arc::new(Date32Array::from_iter_values(all.iter().map(|row| row.key().map_or(0, |key| key.day))))),
        ("rep_id", key(|key| &key.rep_id)),
        ("d0", key(|key| &key.dims[0])),
        ("d1", key(|key| &key.dims[1])),
        ("d2", key(|key| &key.dims[2])),
        ("currency", key(|key| &key.currency)),
        ("slot", Arc::new(UInt8Array::from_iter_values(all.iter().map(|row| row.value().map_or(0, |value| value.slot))))),
        ("text", texts(all.iter().map(|row| row.value().and_then(|value| value.value.as_text()).unwrap_or_default()))),
        ("number", decimals(all.iter().map(|row| row.value().map_or(0, number)))?),
        (
            "partition",
            Arc::new(Int32Array::from_iter_values(all.iter().map(|row| row.watermark().map_or(0, |mark| mark.partition)))),
        ),
        ("facts", ints(all.iter().map(CellsRow::facts))),
    ];
    for (slot, name) in ["s0", "s1", "s2", "s3", "s4", "s5"].into_iter().enumerate().take(ADDITIVE_SLOTS_MAX) {
        columns.push((name, decimals(all.iter().map(|row| row.sum(slot)))?));
    }
    columns.extend([
        ("position_from", mark(|mark| mark.from, 0)),
        ("position_to", mark(|mark| mark.to, 0)),
        ("step", mark(|mark| mark.step, 0)),
        (
            "record_hash",
            Arc::new(UInt64Array::from_iter_values(all.iter().map(|row| row.watermark().map_or(0, |mark| mark.record_hash))))
                as ArrayRef,
        ),
        ("log_id", texts(all.iter().map(|row| row.watermark().map_or("", |mark| mark.log_id.as_str())))),
        ("version", versions(all.iter().map(CellsRow::version))),
        ("is_deleted", flags(all.iter().map(|row| row.watermark().is_none() && row.facts() == 0))),
    ]);
    batch(columns)
}

fn number(key: &ValueKey) -> i128 {
    if let Scalar::Decimal(value) = key.value { value.0 } else { 0 }
}

impl CellsRow<'_> {
    fn tenant(&self) -> &str {
        match self {
            Self::Cell(tenant, ..) | Self::Value(tenant, ..) => tenant,
            Self::Watermark(_) => "",
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Cell(..) => "cell",
            Self::Value(..) => "value",
            Self::Watermark(_) => "watermark",
        }
    }

    fn key(&self) -> Option<&CellKey> {
        match self {
            Self::Cell(_, key, _) => Some(key),
            Self::Value(_, key, _) => Some(&key.cell),
            Self::Watermark(_) => None,
        }
    }

    fn value(&self) -> Option<&ValueKey> {
        if let Self::Value(_, key, _) = self { Some(key) } else { None }
    }

    fn watermark(&self) -> Option<&Watermark> {
        if let Self::Watermark(mark) = self { Some(mark) } else { None }
    }

    fn facts(&self) -> i64 {
        match self {
            Self::Cell(.., row) => row.cell.facts,
            Self::Value(.., row) => row.facts,
            Self::Watermark(_) => 0,
        }
    }

    fn sum(&self, slot: usize) -> i128 {
        if let Self::Cell(.., row) = self { row.cell.sums.get(slot).copied().unwrap_or(0) } else { 0 }
    }

    fn version(&self) -> i64 {
        match self {
            Self::Cell(.., row) => row.version,
            Self::Value(.., row) => row.version,
            Self::Watermark(mark) => mark.version(),
        }
    }
}

/// Signs of life.
pub fn heartbeats(generation: u32, beats: &[Heartbeat]) -> Result<RecordBatch, ArrowError> {
    batch(vec![
        ("generation", Arc::new(UInt32Array::from(vec![generation; beats.len()]))),
        ("partition", Arc::new(Int32Array::from_iter_values(beats.iter().map(|beat| beat.partition)))),
        ("position", ints(beats.iter().map(|beat| beat.position))),
        ("end_position", ints(beats.iter().map(|beat| beat.end_position))),
        ("copies", Arc::new(Int32Array::from_iter_values(beats.iter().map(|beat| beat.copies)))),
        ("written_at", instants(beats.iter().map(|beat| Some(beat.written_at)))),
        ("stalled", texts(beats.iter().map(|beat| beat.stalled.as_str()))),
        ("redefined", texts(beats.iter().map(|beat| beat.redefined.as_ref()))),
    ])
}

/// How far KPIs that were added are measured in a partition.
pub fn backfills(generation: u32, partition: i32, kpis: &[String], percent: u8) -> Result<RecordBatch, ArrowError> {
    batch(vec![
        ("generation", Arc::new(UInt32Array::from(vec![generation; kpis.len()]))),
        ("kpi", texts(kpis.iter().map(String::as_str))),
        ("partition", Arc::new(Int32Array::from(vec![partition; kpis.len()]))),
        ("percent", Arc::new(UInt8Array::from(vec![percent; kpis.len()]))),
    ])
}

/// A set of numbers; as rows, because definitions are too long for a bound value.
pub fn generation_row(
    number: u32,
    status: &str,
    definitions: &Definitions,
    (made_at, changed_at): (i64, i64),
) -> Result<RecordBatch, ArrowError> {
    let (hash, json) = (definitions.hash(), definitions.to_json());
    batch(vec![
        ("generation", Arc::new(UInt32Array::from(vec![number])) as ArrayRef),
        ("definitions_hash", texts(std::iter::once(hash.as_str()))),
        ("status", texts(std::iter::once(status))),
        ("changed_at", instants(std::iter::once(Some(changed_at)))),
        ("definitions", texts(std::iter::once(json.as_str()))),
        ("made_at", instants(std::iter::once(Some(made_at)))),
    ])
}
