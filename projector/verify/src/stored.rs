//! What a store has, as facts, events and cells of the model's own: rows come as texts, however they were read.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Envelope, Event, EventType, wire::payload_from_json},
    fact::{Fact, Scalar},
    kpi::Catalogue,
    table::{ColumnType, FactTable},
};

use crate::{
    admission::LogRecord,
    cells::{Cell, CellKey, CellValue},
    comparison::Found,
    error::VerifyError,
};

/// A fact from the texts of its columns; dates are days and instants milliseconds since 1970.
///
/// # Errors
/// [`VerifyError::Row`]: a text is not of its column's type.
pub fn fact(table: FactTable, texts: &[Option<String>]) -> Result<Fact, VerifyError> {
    let columns = &table.definition().columns;
    let unreadable = |reason: String| VerifyError::Row { table: table.name().to_owned(), reason };
    if texts.len() != columns.len() {
        return Err(unreadable(format!("{} columns instead of {}", texts.len(), columns.len())));
    }
    let values = columns.iter().zip(texts).map(|(column, text)| {
        let Some(text) = text else { return Ok(Scalar::Null) };
        scalar(column.column_type, text).ok_or_else(|| unreadable(format!("{} cannot be {text:?}", column.name)))
    });
    Ok(Fact { table, values: values.collect::<Result<_, _>>()? })
}

fn scalar(column_type: ColumnType, text: &str) -> Option<Scalar> {
    Some(match column_type {
        ColumnType::Text => Scalar::from(text),
        ColumnType::Int => Scalar::Int(text.parse().ok()?),
        ColumnType::Bool => Scalar::Bool(text.parse().ok()?),
        ColumnType::Decimal => Scalar::Decimal(text.parse().ok()?),
        ColumnType::Date => Scalar::Date(text.parse().ok()?),
        ColumnType::Instant => Scalar::Instant(text.parse().ok()?),
    })
}

/// The key of a fact from the texts of its key columns, as [`Fact::key`] has it.
#[must_use]
pub fn key(texts: &[Option<String>]) -> String {
    let escaped = |text: &Option<String>| text.as_deref().unwrap_or_default().replace('%', "%25").replace('/', "%2F");
    texts.iter().map(escaped).collect::<Vec<_>>().join("/")
}

/// A row of `events`.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Offset in the tenant's partition.
    pub position: i64,
    /// When the broker appended it.
    pub known_at: i64,
    /// Its type's name.
    pub event_type: String,
    /// Who, when, which revision.
    pub envelope: Envelope,
    /// The payload as JSON.
    pub data: String,
}

impl StoredEvent {
    /// The record that the row was made from.
    ///
    /// # Errors
    /// [`VerifyError::Row`]: an unknown type, or a payload that is not of its type.
    pub fn record(self) -> Result<LogRecord, VerifyError> {
        let Self { position, known_at, event_type, mut envelope, data } = self;
        let unreadable =
            |reason: String| VerifyError::Row { table: "events".to_owned(), reason: format!("position {position}: {reason}") };
        let Some(event_type) = EventType::from_name(&event_type) else {
            return Err(unreadable(format!("unknown type {event_type:?}")));
        };
        let data = serde_json::from_str(&data).and_then(|data| payload_from_json(event_type, data));
        let data = data.map_err(|error| unreadable(error.to_string()))?;
        envelope.retracted = matches!(data, Data::EventRetracted(_));
        Ok(LogRecord { position, known_at, event: Event { envelope, data } })
    }
}

/// A row of `kpi_cells`: a cell, or a value of its multisets.
#[derive(Debug, Clone, Default)]
pub struct StoredCell {
    /// Whether it is a value.
    pub is_value: bool,
    /// The KPI's name.
    pub kpi: String,
    /// Days since 1970-01-01.
    pub day: i32,
    /// The seller; empty for none.
    pub rep: String,
    /// d0, d1, d2.
    pub dims: Vec<String>,
    /// Empty where it is no money.
    pub currency: String,
    /// Of a value: the slot.
    pub slot: u8,
    /// Of a value of a distinct count.
    pub text: String,
    /// Of another value, a decimal.
    pub number: String,
    /// How many facts.
    pub facts: i64,
    /// Of a cell: s0, s1, …, decimals.
    pub sums: Vec<String>,
    /// Position of the last event that touched it.
    pub version: i64,
}

/// The cells of a store, each put together from its rows.
#[derive(Debug, Default)]
pub struct StoredCells(pub BTreeMap<CellKey, Found<Cell>>);

impl StoredCells {
    /// Adds a row.
    ///
    /// # Errors
    /// [`VerifyError::Row`]: a number that is none.
    pub fn add(&mut self, catalogue: &Catalogue, row: StoredCell) -> Result<(), VerifyError> {
        let kpi = catalogue.get(&row.kpi);
        let dims = kpi.map_or(row.dims.len(), |kpi| kpi.dims.len());
        let dims = row.dims.into_iter().take(dims).collect();
        let key = CellKey { kpi: row.kpi, day: row.day, rep: row.rep, dims, currency: row.currency };
        let decimal = |text: &str| {
            let unreadable =
                |_| VerifyError::Row { table: "kpi_cells".to_owned(), reason: format!("{key}: {text:?} is no decimal") };
            text.parse::<Decimal6>().map_err(unreadable)
        };
        let slot = usize::from(row.slot);
        let value = if kpi.and_then(|kpi| kpi.slots.get(slot)).is_some_and(|slot| slot.kind.is_text()) {
            CellValue::Text(row.text)
        } else {
            CellValue::Number(decimal(&row.number)?)
        };
        let additive = kpi.map_or(row.sums.len(), |kpi| kpi.slots.iter().filter(|slot| slot.kind.is_additive()).count());
        let sums = row.sums.iter().take(additive).map(|sum| decimal(sum)).collect::<Result<_, _>>()?;
        let found = self.0.entry(key).or_insert_with(|| Found { value: Cell::default(), version: row.version });
        found.version = found.version.max(row.version);
        if row.is_value {
            found.value.values.insert((slot, value), row.facts);
        } else {
            found.value.facts = row.facts;
            found.value.sums = sums;
        }
        Ok(())
    }
}
