//! What a cell of a sheet says, as JSON: numbers as people see them, dates as ISO texts.

use calamine::{Data, ExcelDateTime};
use chrono::{Days, NaiveDate};
use serde_json::{Number, Value};

/// Up to here a float holds every whole number; beyond, and in fractions, sheets show and promise 15 digits.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A cell's value.
pub(super) fn to_json(cell: &Data) -> Value {
    match cell {
        Data::Empty => Value::Null,
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Value::from(text.as_str()),
        Data::Bool(value) => Value::Bool(*value),
        Data::Int(value) => Value::from(*value),
        Data::Float(value) => number(*value),
        Data::DateTime(time) => Value::from(moment(time)),
        // As a sheet saved as CSV has it: #N/A, #DIV/0!.
        Data::Error(error) => Value::from(error.to_string()),
    }
}

/// A cell's value as the name of a column.
pub(super) fn to_name(cell: &Data) -> String {
    match to_json(cell) {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// A whole number with all its digits; any other with 15, so that what was typed as 0.3 is not 0.30000000000000004.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within i64")]
        return Value::from(value as i64);
    }
    let shown = format!("{value:.14e}").parse().unwrap_or(value);
    Number::from_f64(shown).map_or(Value::Null, Value::Number)
}

/// A day, a day with its time, a time of day, or hours that may be more than a day's, by what the cell shows.
fn moment(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let clock = format!("{minute:02}:{second:02}{fraction}");
    if time.is_duration() {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a sheet's days")]
        let milliseconds = (time.as_f64() * 86_400_000.0).round() as i64;
        return format!("{:02}:{clock}", milliseconds / 3_600_000);
    }
    if time.as_f64() < 1.0 {
        return format!("{hour:02}:{clock}");
    }
    // 1900-02-29, which sheets have and the calendar has not, is the day before March.
    let date = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into());
    let date = date.or_else(|| NaiveDate::from_ymd_opt(year.into(), 3, 1)?.checked_sub_days(Days::new(1))).unwrap_or_default();
    if (hour, minute, second, milli) == (0, 0, 0, 0) { date.to_string() } else { format!("{date}T{hour:02}:{clock}") }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::{DateTime, TimeDelta};
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_what_people_see() {
        for (value, expected) in [
            (22_700.0, json!(22_700)),
            (-0.1 - 0.2, json!(-0.3)),
            (342_090.55, json!(342_090.55)),
            (4_000_123_412_341_234.0, json!(4_000_123_412_341_234_i64)),
            (0.000_001, json!(0.000_001)),
        ] {
            assert_eq!(to_json(&Data::Float(value)), expected);
        }
    }

    #[test]
    fn dates_are_texts() {
        for (value, kind, expected) in [
            (45_943.0, DateTime, "2025-10-13"),
            (45_943.541, DateTime, "2025-10-13T12:59:02.400"),
            (0.5, DateTime, "12:00:00"),
            (60.0, DateTime, "1900-02-28"),
            (1.104_166_666_666_666_7, TimeDelta, "26:30:00"),
        ] {
            assert_eq!(moment(&ExcelDateTime::new(value, kind, false)), expected);
        }
    }
}
