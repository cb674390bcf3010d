//! Times as texts: `opened_at::text` is `2026-03-05 08:20:00+00` in PostgreSQL, and has a `T` and a `Z` in DataFusion; `1 day 02:00:00`
//! is `1 days 2 hours`.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, StringArray},
    datatypes::{DataType, TimeUnit, TimestampMicrosecondType},
};
use datafusion::{
    common::utils::take_function_args,
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
};

use super::intervals::in_days;

pub(in super::super) const NAME: &str = "as_text";

/// A time as a text, for a cast. What is no time stays what it is.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Text {
    signature: Signature,
}

impl Text {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Text {
    fn name(&self) -> &str {
        NAME
    }

    /// The cast is called as what it casts.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(arguments.iter().map(|argument| argument.schema_name().to_string()).collect())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [value] = take_function_args(NAME, arguments)?;
        Ok(if is_time(value) { DataType::Utf8 } else { value.clone() })
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [value] = take_function_args(NAME, arguments)?;
        Ok(if is_time(&info.get_data_type(&value)?) {
            ExprSimplifyResult::Original(vec![value])
        } else {
            ExprSimplifyResult::Simplified(value)
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [value] = take_function_args(NAME, arguments.args)?;
        let texts = match value.data_type() {
            // Instants are shown in the session's zone, which is UTC.
            DataType::Timestamp(_, Some(_)) => instants(&value, Some("UTC".into()), "+00", rows)?,
            DataType::Timestamp(_, None) => instants(&value, None, "", rows)?,
            DataType::Interval(_) | DataType::Duration(_) => {
                let intervals = in_days(value, rows)?;
                let texts =
                    intervals.iter().map(|interval| interval.map(|it| spelled(it.months, it.days, it.nanoseconds / 1_000)));
                texts.collect()
            }
            _ => return Ok(value),
        };
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Interval(_) | DataType::Duration(_))
}

fn instants(value: &ColumnarValue, zone: Option<Arc<str>>, shown: &str, rows: usize) -> Result<StringArray> {
    let times = value.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, zone), None)?.into_array(rows)?;
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let text = |row| {
        let time = times.value_as_datetime(row)?.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
        Some(time.trim_end_matches('0').trim_end_matches('.').to_owned() + shown)
    };
    Ok((0..rows).map(|row| times.is_valid(row).then(|| text(row)).flatten()).collect())
}

fn spelled(months: i32, days: i32, microseconds: i64) -> String {
    pg_interval::Interval::new(months, days, microseconds).to_postgres()
}
