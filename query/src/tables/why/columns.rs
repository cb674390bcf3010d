//! Columns of these functions' tables, from rows.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// Amounts are exact: an amount of six places times a rate of six.
pub(super) const AMOUNT: DataType = DataType::Decimal128(38, 12);

/// A schema of columns, each with what it is.
pub(super) fn schema(about: &str, columns: &[(&str, DataType, bool, &str)]) -> SchemaRef {
    let comment = |text: &str| HashMap::from([("comment".to_owned(), text.to_owned())]);
    let fields = columns
        .iter()
        .map(|(name, data_type, nullable, about)| Field::new(*name, data_type.clone(), *nullable).with_metadata(comment(about)));
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), comment(about)))
}

pub(super) fn texts<R>(rows: &[R], of: impl Fn(&R) -> Option<String>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringArray>())
}

pub(super) fn integers<R>(rows: &[R], of: impl Fn(&R) -> i64) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(of(row))).collect::<Int64Array>())
}

pub(super) fn dates<R>(rows: &[R], of: impl Fn(&R) -> Option<i32>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Date32Array>())
}

/// Amounts, 10^-12; one that a column cannot hold is an error, never another amount.
pub(super) fn amounts<R>(rows: &[R], of: impl Fn(&R) -> Option<BigInt>) -> Result<ArrayRef, ArrowError> {
    let fits = |amount: BigInt| {
        let amount = amount.to_i128().filter(|amount| amount.unsigned_abs() < 10_u128.pow(38));
        amount.ok_or_else(|| ArrowError::ComputeError("an amount has more digits than a column can hold".to_owned()))
    };
    let amounts = rows.iter().map(|row| of(row).map(fits).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Decimal128Array::from(amounts).with_data_type(AMOUNT)))
}
