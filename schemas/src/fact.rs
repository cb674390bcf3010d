//! A fact: one row of a fact table, as values in the order of its columns.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    },
    error::ArrowError,
};
use serde::{Deserialize, Serialize, Serializer, de::Error, ser::SerializeMap};

use crate::{
    decimal::Decimal6,
    table::{ColumnType, FactTable},
};

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scalar {
    /// NULL.
    Null,
    /// UTF-8.
    Text(Arc<str>),
    /// 64 bits.
    Int(i64),
    /// true or false.
    Bool(bool),
    /// Six places.
    Decimal(Decimal6),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01 UTC.
    Instant(i64),
}

impl Scalar {
    /// A text, or NULL.
    #[must_use]
    pub fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// `value` wrapped by `wrap`, or NULL.
    pub fn maybe<T>(value: Option<T>, wrap: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, wrap)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn has_type(&self, column_type: ColumnType) -> bool {
        matches!(
            (self, column_type),
            (Self::Text(_), ColumnType::Text)
                | (Self::Int(_), ColumnType::Int)
                | (Self::Bool(_), ColumnType::Bool)
                | (Self::Decimal(_), ColumnType::Decimal)
                | (Self::Date(_), ColumnType::Date)
                | (Self::Instant(_), ColumnType::Instant)
        )
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// One row of a fact table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fact {
    /// The table.
    pub table: FactTable,
    /// A value per column, in the order of the table's columns.
    pub values: Vec<Scalar>,
}

impl Fact {
    /// A fact with these columns, the others NULL.
    ///
    /// # Panics
    /// Where a column does not exist, a value has another type than its column, or a column that may not be NULL is:
    /// folds are code, and every fold has a test.
    #[must_use]
    pub fn new<'a>(table: FactTable, columns: impl IntoIterator<Item = (&'a str, Scalar)>) -> Self {
        let definition = table.definition();
        let mut values = vec![Scalar::Null; definition.columns.len()];
        for (name, value) in columns {
            let Some(position) = definition.position(name) else { panic!("{} has no column {name}", table.name()) };
            let column = &definition.columns[position];
            assert!(value == Scalar::Null || value.has_type(column.column_type), "{}.{name} cannot hold {value:?}", table.name());
            values[position] = value;
        }
        for (column, value) in definition.columns.iter().zip(&values) {
            assert!(column.nullable || *value != Scalar::Null, "{}.{} is missing", table.name(), column.name);
        }
        Self { table, values }
    }

    /// The value of a column; NULL where there is no such column.
    #[must_use]
    pub fn get(&self, column: &str) -> &Scalar {
        self.table.definition().position(column).map_or(&Scalar::Null, |position| &self.values[position])
    }

    /// What identifies the fact within its tenant and table: the key columns, joined by `/` (escaped inside).
    #[must_use]
    pub fn key(&self) -> String {
        let parts = self.table.definition().key.iter().map(|column| scalar_text(self.get(column)));
        parts.map(|part| part.replace('%', "%25").replace('/', "%2F")).collect::<Vec<_>>().join("/")
    }

    /// The columns as a JSON object; NULL columns are left out, decimals are texts, dates days and instants milliseconds.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&Columns(self)).unwrap_or_default()
    }

    /// The fact that [`Fact::to_json`] made this text of.
    ///
    /// # Errors
    /// No JSON object; a value of another type than its column. Columns that the table no longer has are left out.
    pub fn from_json(table: FactTable, text: &str) -> Result<Self, serde_json::Error> {
        let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        let values = table.definition().columns.iter().map(|column| {
            let Some(value) = members.remove(column.name).filter(|value| !value.is_null()) else { return Ok(Scalar::Null) };
            Ok(match column.column_type {
                ColumnType::Text => Scalar::Text(serde_json::from_value(value)?),
                ColumnType::Int => Scalar::Int(serde_json::from_value(value)?),
                ColumnType::Bool => Scalar::Bool(serde_json::from_value(value)?),
                ColumnType::Decimal => {
                    let text: String = serde_json::from_value(value)?;
                    Scalar::Decimal(text.parse().map_err(serde_json::Error::custom)?)
                }
                ColumnType::Date => Scalar::Date(serde_json::from_value(value)?),
                ColumnType::Instant => Scalar::Instant(serde_json::from_value(value)?),
            })
        });
        Ok(Self { table, values: values.collect::<Result<_, serde_json::Error>>()? })
    }
}

fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::Null => String::new(),
        Scalar::Text(text) => text.to_string(),
        Scalar::Int(value) | Scalar::Instant(value) => value.to_string(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Decimal(value) => value.to_string(),
        Scalar::Date(value) => value.to_string(),
    }
}

/// A fact as its columns.
struct Columns<'a>(&'a Fact);

impl Serialize for Columns<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.0.table.definition().columns.iter().zip(&self.0.values);
        let mut object = serializer.serialize_map(None)?;
        for (column, value) in columns {
            match value {
                Scalar::Null => {}
                Scalar::Text(text) => object.serialize_entry(column.name, text.as_ref())?,
                Scalar::Int(value) | Scalar::Instant(value) => object.serialize_entry(column.name, value)?,
                Scalar::Bool(value) => object.serialize_entry(column.name, value)?,
                Scalar::Decimal(value) => object.serialize_entry(column.name, &value.to_string())?,
                Scalar::Date(value) => object.serialize_entry(column.name, value)?,
            }
        }
        object.end()
    }
}

/// Facts of one table as a RecordBatch with the table's Arrow schema.
///
/// # Errors
/// What Arrow says; facts of another table.
pub fn to_record_batch<'a>(table: FactTable, facts: impl Iterator<Item = &'a Fact> + Clone) -> Result<RecordBatch, ArrowError> {
    let definition = table.definition();
    let arrays = definition.columns.iter().enumerate().map(|(position, column)| {
        let values = facts.clone().map(|fact| &fact.values[position]);
        column_array(column.column_type, values)
    });
    RecordBatch::try_new(definition.arrow_schema(), arrays.collect())
}

fn column_array<'a>(column_type: ColumnType, values: impl Iterator<Item = &'a Scalar>) -> ArrayRef {
    match column_type {
        ColumnType::Text => Arc::new(values.map(Scalar::as_text).collect::<StringArray>()),
        ColumnType::Int => Arc::new(values.map(|v| if let Scalar::Int(v) = v { Some(*v) } else { None }).collect::<Int64Array>()),
        ColumnType::Bool => {
            Arc::new(values.map(|v| if let Scalar::Bool(v) = v { Some(*v) } else { None }).collect::<BooleanArray>())
        }
        ColumnType::Date => {
            Arc::new(values.map(|v| if let Scalar::Date(v) = v { Some(*v) } else { None }).collect::<Date32Array>())
        }
        ColumnType::Decimal => {
            let array: Decimal128Array = values.map(|v| if let Scalar::Decimal(v) = v { Some(v.0) } else { None }).collect();
            Arc::new(array.with_data_type(column_type.arrow()))
        }
        ColumnType::Instant => {
            let array: TimestampMillisecondArray =
                values.map(|v| if let Scalar::Instant(v) = v { Some(*v) } else { None }).collect();
            Arc::new(array.with_data_type(column_type.arrow()))
        }
    }
}
