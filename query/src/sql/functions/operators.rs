//! Operators that mean less to DataFusion than to PostgreSQL: quotients of decimals with all their digits, multiples of intervals.

use std::sync::Arc;

use arrow::{
    array::{AsArray, IntervalMonthDayNanoArray},
    compute::try_binary,
    datatypes::{DataType, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit},
    error::ArrowError,
};
use datafusion::{
    common::DFSchema,
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
            BinaryOperator::Multiply if left == INTERVAL && right.is_integer() => times(&raw.left, &raw.right),
            BinaryOperator::Multiply if left.is_integer() && right == INTERVAL => times(&raw.right, &raw.left),
            BinaryOperator::Divide if is_short(&left, &right) => {
                let divided = Expr::Cast(Cast::new(Box::new(raw.left), DataType::Decimal128(PRECISION_MAX, SCALE_MIN)));
                let quotient = BinaryExpr::new(Box::new(divided), Operator::Divide, Box::new(raw.right));
                PlannerResult::Planned(Expr::BinaryExpr(quotient))
            }
            _ => PlannerResult::Original(raw),
        })
    }
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
        Self { signature: Signature::exact(vec![INTERVAL, DataType::Int64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Times {
    fn name(&self) -> &str {
        "interval_times"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let (intervals, factors) = (arrays[0].as_primitive::<IntervalMonthDayNanoType>(), arrays[1].as_primitive::<Int64Type>());
        let product: IntervalMonthDayNanoArray = try_binary(intervals, factors, |interval, factor| {
            let overflows = || ArrowError::ArithmeticOverflow(format!("an interval {factor} times is too long"));
            let narrow = i32::try_from(factor).map_err(|_| overflows())?;
            Ok(IntervalMonthDayNano {
                months: interval.months.checked_mul(narrow).ok_or_else(overflows)?,
                days: interval.days.checked_mul(narrow).ok_or_else(overflows)?,
                nanoseconds: interval.nanoseconds.checked_mul(factor).ok_or_else(overflows)?,
            })
        })?;
        Ok(ColumnarValue::Array(Arc::new(product)))
    }
}
