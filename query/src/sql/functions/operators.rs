//! Operators that mean less to DataFusion than to PostgreSQL: quotients of decimals with all their digits, multiples of intervals, sums
//! and products of narrow integers.

use std::{fmt::Display, sync::Arc};

use arrow::{
    array::{AsArray, IntervalMonthDayNanoArray},
    compute::try_binary,
    datatypes::{DataType, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
    error::ArrowError,
};
use datafusion::{
    common::{DFSchema, ScalarValue, plan_err},
    error::Result,
    logical_expr::{
        BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

/// Digits behind the point of what is divided: a quotient has four more. `1.0 / 3` were 0.33333 without.
const SCALE_MIN: i8 = 8;
const PRECISION_MAX: u8 = 38;
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Plans them.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        // The type of a parameter is not known yet.
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        let times = |interval: &Expr, factor: &Expr| {
            PlannerResult::Planned(ScalarUDF::new_from_impl(Times::new()).call(vec![interval.clone(), factor.clone()]))
        };
        Ok(match raw.op {
            BinaryOperator::Multiply if left == INTERVAL && right.is_numeric() => times(&raw.left, &raw.right),
            BinaryOperator::Multiply if left.is_numeric() && right == INTERVAL => times(&raw.right, &raw.left),
            BinaryOperator::Divide if is_short(&left, &right) => {
                let divided = Expr::Cast(Cast::new(Box::new(raw.left), DataType::Decimal128(PRECISION_MAX, SCALE_MIN)));
                let quotient = BinaryExpr::new(Box::new(divided), Operator::Divide, Box::new(raw.right));
                PlannerResult::Planned(Expr::BinaryExpr(quotient))
            }
            // A day and six hours is no day.
            BinaryOperator::Plus | BinaryOperator::Minus
                if left == DataType::Date32 && right == INTERVAL && !is_of_days(&raw.right) =>
            {
                let op = if raw.op == BinaryOperator::Plus { Operator::Plus } else { Operator::Minus };
                let time = Cast::new(Box::new(raw.left), DataType::Timestamp(TimeUnit::Nanosecond, None));
                PlannerResult::Planned(Expr::BinaryExpr(BinaryExpr::new(Box::new(Expr::Cast(time)), op, Box::new(raw.right))))
            }
            // Where an `int` has no room for it, DataFusion would begin again at the other end.
            BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply if is_narrow(&left) && is_narrow(&right) => {
                let op = match raw.op {
                    BinaryOperator::Plus => Operator::Plus,
                    BinaryOperator::Minus => Operator::Minus,
                    _ => Operator::Multiply,
                };
                let cast = |expr: Expr, to: DataType| Expr::Cast(Cast::new(Box::new(expr), to));
                let (wide, other) = (cast(raw.left, DataType::Int64), cast(raw.right, DataType::Int64));
                let narrow = if left.primitive_width() > right.primitive_width() { left } else { right };
                PlannerResult::Planned(cast(Expr::BinaryExpr(BinaryExpr::new(Box::new(wide), op, Box::new(other))), narrow))
            }
            _ => PlannerResult::Original(raw),
        })
    }
}

/// What leaves a day a day.
fn is_of_days(interval: &Expr) -> bool {
    match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) => interval.nanoseconds == 0,
        Expr::ScalarFunction(times) if times.func.inner().is::<Times>() => times.args.first().is_some_and(is_of_days),
        _ => false,
    }
}

fn is_narrow(number: &DataType) -> bool {
    matches!(number, DataType::Int8 | DataType::Int16 | DataType::Int32)
}

/// Whether a quotient of these would lose digits.
fn is_short(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::Decimal128(_, scale), DataType::Decimal128(..)) => *scale < SCALE_MIN,
        (DataType::Decimal128(_, scale), right) => *scale < SCALE_MIN && right.is_integer(),
        (left, DataType::Decimal128(..)) => left.is_integer(),
        _ => false,
    }
}

/// An interval, so many times.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Times {
    signature: Signature,
}

impl Times {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        "interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [interval, factor] if interval.equals_datatype(&INTERVAL) && factor.is_integer() => {
                Ok(vec![INTERVAL, DataType::Int64])
            }
            [interval, factor] if interval.equals_datatype(&INTERVAL) && factor.is_numeric() => {
                Ok(vec![INTERVAL, DataType::Float64])
            }
            other => plan_err!("{} takes an interval and a number, not {other:?}", self.name()),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let intervals = arrays[0].as_primitive::<IntervalMonthDayNanoType>();
        let product: IntervalMonthDayNanoArray = match arrays[1].data_type() {
            DataType::Int64 => try_binary(intervals, arrays[1].as_primitive::<Int64Type>(), whole)?,
            _ => try_binary(intervals, arrays[1].as_primitive::<Float64Type>(), broken)?,
        };
        Ok(ColumnarValue::Array(Arc::new(product)))
    }
}

fn too_long(factor: impl Display) -> ArrowError {
    ArrowError::ArithmeticOverflow(format!("an interval {factor} times is too long"))
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
    product().ok_or_else(|| too_long(factor))
}

/// As PostgreSQL's `interval_mul`: a part of a month is of 30 days, a part of a day of 24 hours.
#[expect(clippy::cast_possible_truncation, reason = "what does not fit has been refused")]
fn broken(interval: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano, ArrowError> {
    const DAY_NS: f64 = 86_400e9;
    let (months, days) = (f64::from(interval.months) * factor, f64::from(interval.days) * factor);
    let days_of_months = months.fract() * 30.0;
    let days_in_all = days.trunc() + days_of_months.trunc();
    let nanoseconds = (days.fract() + days_of_months.fract()).mul_add(DAY_NS, interval.nanoseconds as f64 * factor).round();
    let fits = |part: f64, max: f64| part.is_finite() && part.abs() < max;
    if !fits(months, f64::from(i32::MAX)) || !fits(days_in_all, f64::from(i32::MAX)) || !fits(nanoseconds, i64::MAX as f64) {
        return Err(too_long(factor));
    }
    Ok(IntervalMonthDayNano { months: months as i32, days: days_in_all as i32, nanoseconds: nanoseconds as i64 })
}
