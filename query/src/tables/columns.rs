//! Columns of the tables that we make ourselves, from rows.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use num_bigint::BigInt;
use num_traits::ToPrimitive;

/// A KPI's value: as many digits behind the point as a KPI is rounded to.
pub(super) const VALUE: DataType = DataType::Decimal128(38, VALUE_PLACES);
const VALUE_PLACES: i8 = 10;
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

/// Values, as decimal texts.
///
/// # Errors
/// One that is no decimal, or that the column cannot hold.
pub(super) fn values<R>(rows: &[R], of: impl Fn(&R) -> Option<String>) -> Result<ArrayRef, ArrowError> {
    let values = rows.iter().map(|row| of(row).as_deref().map(unscaled).transpose()).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Decimal128Array::from(values).with_data_type(VALUE)))
}

/// The digits of a decimal text, as many behind the point as a value has.
fn unscaled(text: &str) -> Result<i128, ArrowError> {
    let no_value = || ArrowError::ComputeError(format!("{text:?} is no value that a column can hold"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let places = usize::from(VALUE_PLACES.unsigned_abs());
    if fraction.len() > places {
        return Err(no_value());
    }
    let digits: i128 = format!("{whole}{fraction:0<places$}").parse().map_err(|_| no_value())?;
    if digits.unsigned_abs() < 10_u128.pow(38) { Ok(digits) } else { Err(no_value()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact() {
        assert_eq!(unscaled("12").unwrap(), 120_000_000_000);
        assert_eq!(unscaled("-0.0333333333").unwrap(), -333_333_333);
        assert!(unscaled("1e5").is_err());
        assert!(unscaled("0.12345678901").is_err());
        assert!(unscaled(&"9".repeat(29)).is_err());
    }
}
