//! Parts of intervals as PostgreSQL has them. Of what lies between two instants, DataFusion's `date_part` takes all hours, which are 25
//! where they are a day and one, and of seconds it leaves out what is behind the point.

use std::sync::Arc;

use arrow::{
    array::{Float64Array, Int32Array},
    datatypes::{DataType, FieldRef, IntervalMonthDayNano},
};
use datafusion::{
    common::utils::take_function_args,
    error::Result,
    logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature},
};

use super::intervals::{DAY_NS, MONTH_DAYS, MONTHS, in_days, too_long};

pub(super) const NAME: &str = "date_part";

/// As long as PostgreSQL's are, in seconds.
const YEAR_S: f64 = 31_557_600.0;

/// What an interval has of a unit.
type Taken = fn(IntervalMonthDayNano) -> i64;

const PARTS: [(&str, Taken); 8] = [
    ("year", |it| i64::from(it.months / MONTHS)),
    ("month", |it| i64::from(it.months % MONTHS)),
    ("day", |it| i64::from(it.days)),
    ("hour", |it| it.nanoseconds / 3_600_000_000_000),
    ("minute", |it| it.nanoseconds / 60_000_000_000 % 60),
    ("second", |it| it.nanoseconds / 1_000_000_000 % 60),
    ("millisecond", |it| it.nanoseconds / 1_000_000 % 60_000),
    ("microsecond", |it| it.nanoseconds / 1_000 % 60_000_000),
];

/// DataFusion's `date_part`, which is asked for all else.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Part {
    inner: Arc<ScalarUDF>,
}

impl Part {
    pub(super) fn of(inner: Arc<ScalarUDF>) -> Self {
        Self { inner }
    }
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, time] = take_function_args(NAME, &arguments.args)?;
        if !matches!(time.data_type(), DataType::Interval(_) | DataType::Duration(_)) {
            return self.inner.invoke_with_args(arguments);
        }
        let unit = match unit {
            ColumnarValue::Scalar(unit) => unit.try_as_str().flatten().unwrap_or_default().to_lowercase(),
            ColumnarValue::Array(_) => String::new(),
        };
        let times = in_days(time.clone(), arguments.number_rows)?;
        if unit == "epoch" {
            let seconds: Float64Array = times.unary(seconds);
            return Ok(ColumnarValue::Array(Arc::new(seconds)));
        }
        match PARTS.iter().find(|(name, _)| unit.trim_end_matches('s') == *name) {
            Some((_, taken)) => {
                let parts: Int32Array = times.try_unary(|time| i32::try_from(taken(time)).map_err(|_| too_long()))?;
                Ok(ColumnarValue::Array(Arc::new(parts)))
            }
            None => self.inner.invoke_with_args(arguments),
        }
    }
}

fn seconds(time: IntervalMonthDayNano) -> f64 {
    let days = i64::from(time.months % MONTHS) * i64::from(MONTH_DAYS) + i64::from(time.days);
    let rest = i128::from(days) * i128::from(DAY_NS) + i128::from(time.nanoseconds);
    f64::from(time.months / MONTHS).mul_add(YEAR_S, rest as f64 / 1e9)
}
