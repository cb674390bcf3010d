//! Answers of the types that every driver knows, and exactly of those that were described before: the planner describes a text as
//! a view, which JDBC cannot read, and what runs knows better than what was planned where nothing is null.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    compute::cast,
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};

/// The columns that a driver is told of.
pub(super) fn told(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| plain(field)).collect::<Vec<_>>();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// Rows as they were told.
///
/// # Errors
/// A null where none was told.
pub(super) fn as_told(batch: &RecordBatch, told: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(told.fields()).map(|(column, field)| cast(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(told), columns.collect::<Result<_, _>>()?, &options)
}

fn plain(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) => DataType::List(Arc::new(plain(item))),
        other => other.clone(),
    };
    field.clone().with_data_type(data_type)
}
