//! Values, always bound.

use arrow::datatypes::{DataType, Decimal128Type, DecimalType, TimeUnit};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use datafusion::common::ScalarValue;

use super::{Said, Translator, types::clickhouse_type, unsupported};

/// The years that Date32 and DateTime64(9) can both hold.
const YEARS: std::ops::RangeInclusive<i32> = 1901..=2261;

impl Translator {
    /// A value; NULL keeps its type.
    pub(super) fn literal(&mut self, value: &ScalarValue) -> Said<String> {
        if value.data_type() == DataType::Null {
            return Ok("NULL".to_owned());
        }
        let type_name = clickhouse_type(&value.data_type())?;
        if value.is_null() {
            return Ok(format!("CAST(NULL AS Nullable({type_name}))"));
        }
        let text = match value {
            ScalarValue::Boolean(Some(value)) => return Ok(value.to_string()),
            ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
                text.clone()
            }
            ScalarValue::Float64(Some(number)) if number.is_finite() => format!("{number:?}"),
            ScalarValue::Decimal128(Some(unscaled), precision, scale) => {
                Decimal128Type::format_decimal(*unscaled, *precision, *scale)
            }
            ScalarValue::Date32(Some(days)) => date(*days)?,
            ScalarValue::TimestampSecond(Some(count), _) => instant(*count, TimeUnit::Second)?,
            ScalarValue::TimestampMillisecond(Some(count), _) => instant(*count, TimeUnit::Millisecond)?,
            ScalarValue::TimestampMicrosecond(Some(count), _) => instant(*count, TimeUnit::Microsecond)?,
            ScalarValue::TimestampNanosecond(Some(count), _) => instant(*count, TimeUnit::Nanosecond)?,
            number if number.data_type().is_integer() => number.to_string(),
            other => return unsupported(format!("the value {other}")),
        };
        Ok(self.value(&type_name, text))
    }
}

fn date(days: i32) -> Said<String> {
    let date = NaiveDate::from_epoch_days(days).filter(|date| YEARS.contains(&date.year()));
    date.map_or_else(|| unsupported("a date so far away"), |date| Ok(date.to_string()))
}

fn instant(count: i64, unit: TimeUnit) -> Said<String> {
    let (instant, format) = match unit {
        TimeUnit::Second => (DateTime::<Utc>::from_timestamp_secs(count), "%F %T"),
        TimeUnit::Millisecond => (DateTime::from_timestamp_millis(count), "%F %T%.3f"),
        TimeUnit::Microsecond => (DateTime::from_timestamp_micros(count), "%F %T%.6f"),
        TimeUnit::Nanosecond => (Some(DateTime::from_timestamp_nanos(count)), "%F %T%.9f"),
    };
    let instant = instant.filter(|instant| YEARS.contains(&instant.year()));
    instant.map_or_else(|| unsupported("an instant so far away"), |instant| Ok(instant.format(format).to_string()))
}
