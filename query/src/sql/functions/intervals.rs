//! Intervals as PostgreSQL calculates with them: `interval '1 day' * 1.5`, `interval '1 week' / 2`, `interval '1 day' = interval '24 hours'`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray, Decimal128Array, IntervalMonthDayNanoArray},
    compute::try_binary,
    datatypes::{
        DataType, DurationMicrosecondType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
        TimeUnit,
    },
    error::ArrowError,
};
use datafusion::{
    common::{plan_err, utils::take_function_args},
    error::Result,
    logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility},
};

pub(super) const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);
pub(super) const TIMES: &str = "interval_times";
pub(super) const DIVIDED: &str = "interval_divided";

const DAY_US: i64 = 86_400_000_000;
pub(super) const DAY_NS: i64 = 86_400_000_000_000;
pub(super) const MONTH_DAYS: i32 = 30;
/// Of a year.
pub(super) const MONTHS: i32 = 12;

/// An interval, so many times, or by so many.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Scaled {
    name: &'static str,
    signature: Signature,
}

impl Scaled {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Scaled {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [interval, factor] if interval.equals_datatype(&INTERVAL) && factor.is_integer() && self.name == TIMES => {
                Ok(vec![INTERVAL, DataType::Int64])
            }
            [interval, factor] if interval.equals_datatype(&INTERVAL) && factor.is_numeric() => {
                Ok(vec![INTERVAL, DataType::Float64])
            }
            other => plan_err!("{} takes an interval and a number, not {other:?}", self.name),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [intervals, factors] = take_function_args(self.name, ColumnarValue::values_to_arrays(&arguments.args)?)?;
        let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
        let scaled: IntervalMonthDayNanoArray = if factors.data_type() == &DataType::Int64 {
            try_binary(intervals, factors.as_primitive::<Int64Type>(), whole)?
        } else {
            let times = self.name == TIMES;
            try_binary(intervals, factors.as_primitive::<Float64Type>(), |interval, factor| match factor {
                _ if times => broken(interval, |part| part * factor),
                0.0 => Err(ArrowError::DivideByZero),
                _ => broken(interval, |part| part / factor),
            })?
        };
        Ok(ColumnarValue::Array(Arc::new(scaled)))
    }
}

pub(super) fn too_long() -> ArrowError {
    ArrowError::ArithmeticOverflow("the interval would be too long".to_owned())
}

fn whole(interval: IntervalMonthDayNano, factor: i64) -> Result<IntervalMonthDayNano, ArrowError> {
    let product = || {
        let narrow = i32::try_from(factor).ok()?;
        Some(IntervalMonthDayNano {
            months: interval.months.checked_mul(narrow)?,
            days: interval.days.checked_mul(narrow)?,
            nanoseconds: interval.nanoseconds.checked_mul(factor)?,
        })
    };
    product().ok_or_else(too_long)
}

/// As PostgreSQL's `interval_mul` and `interval_div`: a part of a month is of 30 days, a part of a day of 24 hours, microseconds whole.
#[expect(clippy::cast_possible_truncation, reason = "what does not fit has been refused")]
fn broken(interval: IntervalMonthDayNano, scale: impl Fn(f64) -> f64) -> Result<IntervalMonthDayNano, ArrowError> {
    let (months, days) = (scale(f64::from(interval.months)), scale(f64::from(interval.days)));
    let days_of_months = months.fract() * f64::from(MONTH_DAYS);
    let days_in_all = days.trunc() + days_of_months.trunc();
    let rest = (days.fract() + days_of_months.fract()).mul_add(DAY_NS as f64, scale(interval.nanoseconds as f64));
    let nanoseconds = (rest / 1_000.0).round() * 1_000.0;
    let fits = |part: f64, max: f64| part.is_finite() && part.abs() < max;
    if !fits(months, f64::from(i32::MAX)) || !fits(days_in_all, f64::from(i32::MAX)) || !fits(nanoseconds, i64::MAX as f64) {
        return Err(too_long());
    }
    Ok(IntervalMonthDayNano { months: months as i32, days: days_in_all as i32, nanoseconds: nanoseconds as i64 })
}

/// How long an interval is in nanoseconds, by which intervals are compared: a month has 30 days, a day 24 hours.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Span {
    signature: Signature,
}

impl Span {
    pub(super) fn new() -> Self {
        Self { signature: Signature::exact(vec![INTERVAL], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Span {
    fn name(&self) -> &'static str {
        "interval_span"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Decimal128(38, 0))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [intervals] = take_function_args(self.name(), ColumnarValue::values_to_arrays(&arguments.args)?)?;
        let spans: Decimal128Array = intervals.as_primitive::<IntervalMonthDayNanoType>().unary(|interval| {
            let days = i128::from(interval.months) * i128::from(MONTH_DAYS) + i128::from(interval.days);
            days * i128::from(DAY_NS) + i128::from(interval.nanoseconds)
        });
        Ok(ColumnarValue::Array(Arc::new(spans.with_precision_and_scale(38, 0)?) as ArrayRef))
    }
}

/// Intervals of so many rows. What lies between instants is of days and the rest of a day, as PostgreSQL has it.
pub(super) fn in_days(times: ColumnarValue, rows: usize) -> Result<IntervalMonthDayNanoArray> {
    if matches!(times.data_type(), DataType::Interval(_)) {
        return Ok(times.cast_to(&INTERVAL, None)?.into_array(rows)?.as_primitive().clone());
    }
    let durations = times.cast_to(&DataType::Duration(TimeUnit::Microsecond), None)?.into_array(rows)?;
    Ok(durations.as_primitive::<DurationMicrosecondType>().try_unary(|microseconds| {
        let days = i32::try_from(microseconds / DAY_US).map_err(|_| too_long())?;
        Ok::<_, ArrowError>(IntervalMonthDayNano::new(0, days, microseconds % DAY_US * 1_000))
    })?)
}
