//! Columns as JSON: decimals as texts, so that no digit is lost; dates and instants as ISO 8601.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Schema, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::Value;

use crate::Error;

/// An object has one value of each name.
///
/// # Errors
/// Two columns of one name.
pub(super) fn unique_names(schema: &Schema) -> Result<(), Error> {
    let fields = schema.fields();
    let is_repeated = |(index, name): &(usize, &String)| fields.iter().take(*index).any(|earlier| earlier.name() == *name);
    match fields.iter().map(|field| field.name()).enumerate().find(is_repeated) {
        Some((_, name)) => Err(Error::Body(format!("two columns are named {name:?}: give one another name with AS"))),
        None => Ok(()),
    }
}

/// A column's values in the order of its rows.
///
/// # Errors
/// A type that has no text.
pub(super) fn json(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    Ok(match column.data_type() {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => column.as_boolean().iter().map(Value::from).collect(),
        DataType::Int8 => numbers::<Int8Type>(column),
        DataType::Int16 => numbers::<Int16Type>(column),
        DataType::Int32 => numbers::<Int32Type>(column),
        DataType::Int64 => numbers::<Int64Type>(column),
        DataType::UInt8 => numbers::<UInt8Type>(column),
        DataType::UInt16 => numbers::<UInt16Type>(column),
        DataType::UInt32 => numbers::<UInt32Type>(column),
        DataType::UInt64 => numbers::<UInt64Type>(column),
        DataType::Float32 => numbers::<Float32Type>(column),
        DataType::Float64 => numbers::<Float64Type>(column),
        _ => texts(column)?,
    })
}

fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Vec<Value>
where
    Value: From<Option<T::Native>>,
{
    column.as_primitive::<T>().iter().map(Value::from).collect()
}

fn texts(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let options = FormatOptions::default().with_display_error(false);
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    let text =
        |row: usize| if column.is_null(row) { Ok(Value::Null) } else { formatter.value(row).try_to_string().map(Value::String) };
    (0..column.len()).map(text).collect()
}
