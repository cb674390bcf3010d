//! Operators that mean less to DataFusion than to PostgreSQL: quotients of decimals with all their digits, intervals that are
//! multiplied, divided and compared, integers that have no room.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::{
    common::{DFSchema, ScalarValue},
    error::Result,
    logical_expr::{
        BinaryExpr, Cast, Expr, ExprSchemable, Operator, ScalarUDF,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use super::intervals::{DIVIDED, INTERVAL, Scaled, Span, TIMES};

/// Digits behind the point of what is divided: a quotient has four more. `1.0 / 3` were 0.33333 without.
const SCALE_MIN: i8 = 8;
const DIVIDEND: DataType = DataType::Decimal128(38, SCALE_MIN);
/// What a `bigint` fits in; a product of two as well.
const BIGINT: DataType = DataType::Decimal128(19, 0);
const TIME: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

/// Plans them.
#[derive(Debug)]
pub(super) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        // The type of a parameter is not known yet.
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        Ok(match planned(&raw, &left, &right) {
            Some(expr) => PlannerResult::Planned(expr),
            None => PlannerResult::Original(raw),
        })
    }
}

fn planned(raw: &RawBinaryExpr, left: &DataType, right: &DataType) -> Option<Expr> {
    let scaled = |name, interval: &Expr, factor: &Expr| {
        Some(ScalarUDF::new_from_impl(Scaled::new(name)).call(vec![interval.clone(), factor.clone()]))
    };
    let span = |side: &Expr| ScalarUDF::new_from_impl(Span::new()).call(vec![cast(side.clone(), INTERVAL)]);
    let op = operator(&raw.op)?;
    match op {
        Operator::Multiply if *left == INTERVAL && right.is_numeric() => scaled(TIMES, &raw.left, &raw.right),
        Operator::Multiply if left.is_numeric() && *right == INTERVAL => scaled(TIMES, &raw.right, &raw.left),
        Operator::Divide if *left == INTERVAL && right.is_numeric() => scaled(DIVIDED, &raw.left, &raw.right),
        Operator::Divide if is_short(left, right) => Some(binary(cast(raw.left.clone(), DIVIDEND), op, raw.right.clone())),
        Operator::Divide => None,
        // A day and six hours is no day.
        Operator::Plus | Operator::Minus if *left == DataType::Date32 && *right == INTERVAL && !is_of_days(&raw.right) => {
            Some(binary(cast(raw.left.clone(), TIME), op, raw.right.clone()))
        }
        // Where an integer has no room for it, DataFusion would begin again at the other end.
        Operator::Plus | Operator::Minus | Operator::Multiply => {
            let (wide, narrow) = room(left, right)?;
            Some(cast(binary(cast(raw.left.clone(), wide.clone()), op, cast(raw.right.clone(), wide)), narrow))
        }
        // A day is 24 hours.
        _ if *left == INTERVAL || *right == INTERVAL => Some(binary(span(&raw.left), op, span(&raw.right))),
        _ => None,
    }
}

/// Arithmetic and comparisons.
fn operator(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

fn binary(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}

/// What leaves a day a day.
fn is_of_days(interval: &Expr) -> bool {
    match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) => interval.nanoseconds == 0,
        Expr::ScalarFunction(scaled) if scaled.func.name() == TIMES => scaled.args.first().is_some_and(is_of_days),
        _ => false,
    }
}

/// What two integers are calculated in, and what the result must fit in.
fn room(left: &DataType, right: &DataType) -> Option<(DataType, DataType)> {
    if !left.is_signed_integer() || !right.is_signed_integer() {
        return None;
    }
    let result = if left.primitive_width() > right.primitive_width() { left } else { right }.clone();
    Some((if result == DataType::Int64 { BIGINT } else { DataType::Int64 }, result))
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
