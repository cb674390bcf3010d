//! Columns of an answer, as exactly as PostgreSQL describes its own.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion_postgres::{
    arrow_pg::datatypes::arrow_schema_to_pg_fields,
    pgwire::{
        api::{portal::Format, results::FieldInfo},
        error::PgWireResult,
        types::format::FormatOptions,
    },
};

/// The columns, with the digits of decimals, which clients choose the form of a number by.
///
/// # Errors
/// A type that PostgreSQL has not.
pub(super) fn described(schema: &Schema, format: &Format, options: Option<Arc<FormatOptions>>) -> PgWireResult<Vec<FieldInfo>> {
    let fields = arrow_schema_to_pg_fields(schema, format, options)?;
    let exact = fields.into_iter().zip(schema.fields()).map(|(field, column)| match modifier(column.data_type()) {
        Some(modifier) => field.with_type_modifier(modifier),
        None => field,
    });
    Ok(exact.collect())
}

/// `pg_attribute.atttypmod`: how `numeric(precision, scale)` stands there.
pub(super) fn modifier(data_type: &DataType) -> Option<i32> {
    match data_type {
        DataType::Decimal128(precision, scale) if *scale >= 0 => Some((i32::from(*precision) << 16 | i32::from(*scale)) + 4),
        _ => None,
    }
}
