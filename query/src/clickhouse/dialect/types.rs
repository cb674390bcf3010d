//! Arrow types and their twins in ClickHouse.

use arrow::datatypes::{DataType, TimeUnit};

use super::{Said, unsupported};

/// ClickHouse's name of a type that both have with the same values.
pub(super) fn clickhouse_type(data_type: &DataType) -> Said<String> {
    Ok(match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "String".to_owned(),
        DataType::Boolean => "Bool".to_owned(),
        DataType::Int8 => "Int8".to_owned(),
        DataType::Int16 => "Int16".to_owned(),
        DataType::Int32 => "Int32".to_owned(),
        DataType::Int64 => "Int64".to_owned(),
        DataType::UInt8 => "UInt8".to_owned(),
        DataType::UInt16 => "UInt16".to_owned(),
        DataType::UInt32 => "UInt32".to_owned(),
        DataType::UInt64 => "UInt64".to_owned(),
        DataType::Float64 => "Float64".to_owned(),
        DataType::Decimal128(precision, scale) if *scale >= 0 => format!("Decimal({precision}, {scale})"),
        DataType::Date32 => "Date32".to_owned(),
        DataType::Timestamp(unit, zone) if is_utc(zone.as_deref()) => format!("DateTime64({}, 'UTC')", places(*unit)),
        other => return unsupported(format!("the type {other}")),
    })
}

/// A timestamp without a zone is UTC here: the session's zone is.
pub(super) fn is_utc(zone: Option<&str>) -> bool {
    matches!(zone, None | Some("UTC" | "+00:00" | "Z"))
}

/// Decimal places of the seconds.
pub(super) fn places(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

/// Whether ClickHouse's CAST gives the same value of `to` for every value of `from`, and never fails.
pub(super) fn is_exact_cast(from: &DataType, to: &DataType) -> bool {
    use DataType::{Boolean, Date32, Decimal128, Float64, Int8, Int16, Int32, Int64, Timestamp, UInt8, UInt16, UInt32, UInt64};
    match (from, to) {
        (Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32, Int64 | Float64)
        // Rounded to the nearest on both sides.
        | (Int64, Float64)
        | (Int8 | Int16 | UInt8 | UInt16, Int32)
        | (UInt8 | UInt16 | UInt32, UInt64)
        | (Boolean, Int64)
        | (Date32, Timestamp(..)) => true,
        (Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32, Decimal128(precision, scale)) => {
            *scale >= 0 && i16::from(*precision) - i16::from(*scale) >= 20
        }
        (Decimal128(p1, s1), Decimal128(p2, s2)) => {
            s2 >= s1 && i16::from(*p2) - i16::from(*s2) >= i16::from(*p1) - i16::from(*s1)
        }
        (Timestamp(u1, _), Timestamp(u2, _)) => places(*u2) >= places(*u1),
        _ => false,
    }
}
