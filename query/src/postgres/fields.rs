//! Columns of an answer, as exactly as PostgreSQL describes its own.

use arrow::datatypes::{DataType, Schema};
use datafusion_postgres::pgwire::api::results::FieldInfo;

/// Adds the digits of decimals, which clients choose the form of a number by.
pub(super) fn exact(fields: Vec<FieldInfo>, schema: &Schema) -> Vec<FieldInfo> {
    let described = fields.into_iter().zip(schema.fields()).map(|(field, column)| match modifier(column.data_type()) {
        Some(modifier) => field.with_type_modifier(modifier),
        None => field,
    });
    described.collect()
}

/// `pg_attribute.atttypmod`: how `numeric(precision, scale)` stands there.
pub(super) fn modifier(data_type: &DataType) -> Option<i32> {
    match data_type {
        DataType::Decimal128(precision, scale) if *scale >= 0 => Some((i32::from(*precision) << 16 | i32::from(*scale)) + 4),
        _ => None,
    }
}
