//! What an event may say, field by field, read from its `.avsc`: the one source for validation, docs and the marking
//! of personal data. The attributes `oneOf`, `minimum`, `format` and `pii` are ours; Avro ignores them.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use super::{EventType, wire::current_schema_text};
use crate::decimal::Decimal6;

/// One event type's data.
#[derive(Debug, Clone)]
pub struct EventDefinition {
    /// The type.
    pub event_type: EventType,
    /// One sentence.
    pub about: String,
    /// The fields of `data`, in order.
    pub fields: Vec<FieldDefinition>,
}

/// One field of `data`.
#[derive(Debug, Clone)]
pub struct FieldDefinition {
    /// Its name.
    pub name: String,
    /// One sentence.
    pub about: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it must be there.
    pub required: bool,
    /// The only texts allowed, where the set is closed.
    pub one_of: Option<Vec<String>>,
    /// The smallest number allowed.
    pub minimum: Option<Decimal6>,
    /// A named form that a text must have.
    pub format: Option<TextFormat>,
    /// Personal data: no KPI reads it.
    pub pii: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// UTF-8.
    Text,
    /// A whole number, 64 bits.
    Int,
    /// true or false.
    Bool,
    /// [`Decimal6`].
    Decimal,
    /// A day.
    Date,
    /// A point in time, milliseconds.
    Instant,
}

/// Forms of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextFormat {
    /// ISO 4217 code.
    Currency,
    /// 2026, 2026-Q1, 2026-03 or 2026-W10.
    Period,
}

/// The definition of a type.
#[must_use]
pub fn definition(event_type: EventType) -> &'static EventDefinition {
    static DEFINITIONS: LazyLock<BTreeMap<EventType, EventDefinition>> =
        LazyLock::new(|| EventType::ALL.iter().map(|&event_type| (event_type, read(event_type))).collect());
    &DEFINITIONS[&event_type]
}

#[derive(Deserialize)]
struct AvroRecord {
    #[serde(default)]
    doc: String,
    fields: Vec<AvroField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AvroField {
    name: String,
    #[serde(rename = "type")]
    avro_type: Value,
    #[serde(default)]
    doc: String,
    one_of: Option<Vec<String>>,
    minimum: Option<Decimal6>,
    format: Option<TextFormat>,
    #[serde(default)]
    pii: bool,
}

/// The schemas are part of the program; what is wrong with them is found by the first test.
#[expect(clippy::expect_used, reason = "embedded files that tests cover")]
fn read(event_type: EventType) -> EventDefinition {
    let text = current_schema_text(event_type).expect("every type has a schema");
    let record: AvroRecord = serde_json::from_str(text).expect("a record schema");
    let data = record.fields.into_iter().find(|field| field.name == "data").expect("a data field");
    let data: AvroRecord = serde_json::from_value(data.avro_type).expect("data is a record");
    EventDefinition { event_type, about: record.doc, fields: data.fields.into_iter().map(field).collect() }
}

fn field(avro: AvroField) -> FieldDefinition {
    let (required, inner) = match &avro.avro_type {
        Value::Array(union) => (false, union.iter().find(|branch| *branch != "null").cloned().unwrap_or(Value::Null)),
        single => (true, single.clone()),
    };
    FieldDefinition {
        name: avro.name,
        about: avro.doc,
        kind: field_kind(&inner),
        required,
        one_of: avro.one_of,
        minimum: avro.minimum,
        format: avro.format,
        pii: avro.pii,
    }
}

#[expect(clippy::panic, reason = "embedded files that tests cover")]
fn field_kind(avro: &Value) -> FieldKind {
    let logical = avro.get("logicalType").and_then(Value::as_str);
    let primitive = avro.as_str().or_else(|| avro.get("type").and_then(Value::as_str));
    match (logical, primitive) {
        (Some("decimal"), _) => FieldKind::Decimal,
        (Some("date"), _) => FieldKind::Date,
        (Some("timestamp-millis"), _) => FieldKind::Instant,
        (None, Some("string")) => FieldKind::Text,
        (None, Some("long")) => FieldKind::Int,
        (None, Some("boolean")) => FieldKind::Bool,
        _ => panic!("no field kind for the Avro type {avro}"),
    }
}
