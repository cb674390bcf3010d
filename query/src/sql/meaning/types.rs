//! Types by which a cast means something else in PostgreSQL.

use datafusion::sql::sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo};

/// `float` has 53 bits unless it is told to have 24 or less; DataFusion's has 24, which is seven digits of a sum of money.
pub(super) fn as_wide(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => DataType::Real,
        DataType::Float(_) => DataType::DoublePrecision,
        other => other.clone(),
    }
}

/// How many letters a text may have; the others are cut off.
pub(super) fn letters(data_type: &DataType) -> Option<u64> {
    let (DataType::Varchar(length)
    | DataType::CharacterVarying(length)
    | DataType::CharVarying(length)
    | DataType::Char(length)
    | DataType::Character(length)) = data_type
    else {
        return None;
    };
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        _ => None,
    }
}

pub(super) fn is_integer(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Integer(_)
            | DataType::Int4(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
    )
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    letters(data_type).is_some()
        || matches!(data_type, DataType::Text | DataType::String(_) | DataType::Varchar(_) | DataType::CharacterVarying(_))
}

pub(super) fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Datetime(_))
}
