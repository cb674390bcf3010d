//! Splitting a KPI's `value` into slots (its aggregates) and the arithmetic on them.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::{
    common::{
        DFSchema, ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Expr, ExprSchemable, Operator, Volatility, case, cast,
        expr::{AggregateFunction, AggregateFunctionParams},
        lit,
    },
    sql::unparser::expr_to_sql,
};
use num_bigint::BigInt;

use super::{Arithmetic, Ratio, round_text};

/// One aggregate of a KPI.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// How facts come together in it.
    pub kind: SlotKind,
    /// What is aggregated; none for `count(*)`.
    argument: Option<Expr>,
    /// The aggregate's own `FILTER`.
    filter: Option<Expr>,
}

/// How facts come together in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// `sum(x)`: additive; an empty sum is 0.
    Sum,
    /// `count(*)`, `count(x)`: additive.
    Count,
    /// `count(distinct x)`: a multiset of texts.
    CountDistinct,
    /// `min(x)`: a multiset of numbers.
    Min,
    /// `max(x)`: a multiset of numbers.
    Max,
    /// `median(x)`, `percentile_cont`: a multiset of numbers.
    Percentile(Percentile),
}

/// The share of values below a percentile, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentile {
    /// Of `numerator / denominator`, 0 … denominator.
    pub numerator: u32,
    /// A power of ten, or 2 for the median.
    pub denominator: u32,
}

impl SlotKind {
    /// Whether it is one number that facts add to; otherwise it keeps a multiset of values.
    #[must_use]
    pub fn is_additive(self) -> bool {
        matches!(self, Self::Sum | Self::Count)
    }

    /// Whether its multiset holds texts rather than numbers.
    #[must_use]
    pub fn is_text(self) -> bool {
        self == Self::CountDistinct
    }
}

impl Slot {
    /// As it may stand in a KPI's value.
    #[must_use]
    pub fn sql(&self) -> String {
        let text = |expr: &Expr| expr_to_sql(expr).map_or_else(|_| expr.to_string(), |sql| sql.to_string());
        let argument = self.argument.as_ref().map_or_else(|| "*".to_owned(), text);
        let aggregate = match self.kind {
            SlotKind::Sum => format!("sum({argument})"),
            SlotKind::Count => format!("count({argument})"),
            SlotKind::CountDistinct => format!("count(DISTINCT {argument})"),
            SlotKind::Min => format!("min({argument})"),
            SlotKind::Max => format!("max({argument})"),
            SlotKind::Percentile(Percentile { numerator: 1, denominator: 2 }) => format!("median({argument})"),
            SlotKind::Percentile(Percentile { numerator, denominator }) => {
                let share = Ratio::new(numerator.into(), denominator.into());
                format!("percentile_cont({}) WITHIN GROUP (ORDER BY {argument})", round_text(&share))
            }
        };
        match &self.filter {
            None => aggregate,
            Some(filter) => format!("{aggregate} FILTER (WHERE {})", text(filter)),
        }
    }

    /// What one fact puts into the slot, as an expression on the fact's columns. Additive slots: Decimal128(38, 6),
    /// never NULL. Multisets: Utf8 or Decimal128(38, 6); NULL where the fact puts in nothing.
    ///
    /// # Errors
    /// What DataFusion says.
    pub fn contribution(&self) -> datafusion::error::Result<Expr> {
        let decimal = DataType::Decimal128(38, 6);
        let counted = match (&self.argument, &self.filter) {
            (None, None) => None,
            (Some(argument), None) => Some(argument.clone().is_not_null()),
            (None, Some(filter)) => Some(filter.clone().is_true()),
            (Some(argument), Some(filter)) => Some(filter.clone().is_true().and(argument.clone().is_not_null())),
        };
        let value = match self.kind {
            SlotKind::Count => cast(lit(1_i64), decimal.clone()),
            SlotKind::CountDistinct => cast(self.argument_or_null(), DataType::Utf8),
            _ => cast(self.argument_or_null(), decimal.clone()),
        };
        let otherwise = match self.kind {
            SlotKind::Sum | SlotKind::Count => cast(lit(0_i64), decimal),
            SlotKind::CountDistinct => lit(ScalarValue::Utf8(None)),
            _ => cast(lit(ScalarValue::Null), decimal),
        };
        match counted {
            None => Ok(value),
            Some(condition) => case(lit(true)).when(condition, value).otherwise(otherwise),
        }
    }

    fn argument_or_null(&self) -> Expr {
        self.argument.clone().unwrap_or_else(|| lit(ScalarValue::Null))
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> BTreeSet<String> {
        let expressions = self.argument.iter().chain(&self.filter);
        expressions.flat_map(Expr::column_refs).map(|column| column.name.clone()).collect()
    }
}

/// The aggregates of `value`, each once, and the arithmetic on them.
///
/// # Errors
/// A sentence on what cannot be used.
pub(crate) fn split(value: &Expr, schema: &DFSchema) -> Result<(Vec<Slot>, Arithmetic), String> {
    let mut slots = Vec::new();
    let arithmetic = arithmetic(value, schema, &mut slots)?;
    if slots.is_empty() {
        return Err("there is no aggregate in it: write sum(…), count(*), median(…), …".to_owned());
    }
    Ok((slots, arithmetic))
}

fn arithmetic(expr: &Expr, schema: &DFSchema, slots: &mut Vec<Slot>) -> Result<Arithmetic, String> {
    match expr {
        Expr::Alias(alias) => arithmetic(&alias.expr, schema, slots),
        Expr::AggregateFunction(function) => {
            let slot = slot(function, schema)?;
            let index = slots.iter().position(|known| *known == slot).unwrap_or_else(|| {
                slots.push(slot);
                slots.len() - 1
            });
            Ok(Arithmetic::Slot(index))
        }
        Expr::Literal(value, _) => number(value).map(Arithmetic::Number),
        Expr::Negative(inner) => Ok(Arithmetic::Negate(Box::new(arithmetic(inner, schema, slots)?))),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (Box::new(arithmetic(left, schema, slots)?), Box::new(arithmetic(right, schema, slots)?));
            match op {
                Operator::Plus => Ok(Arithmetic::Add(left, right)),
                Operator::Minus => Ok(Arithmetic::Subtract(left, right)),
                Operator::Multiply => Ok(Arithmetic::Multiply(left, right)),
                Operator::Divide => Ok(Arithmetic::Divide(left, right)),
                other => Err(format!("between aggregates only + - * / are possible, not {other}")),
            }
        }
        other => Err(format!("`{other}` is not inside an aggregate: combine aggregates by + - * / only")),
    }
}

fn number(value: &ScalarValue) -> Result<Ratio, String> {
    match value {
        ScalarValue::Int64(Some(value)) => Ok(Ratio::from_integer((*value).into())),
        ScalarValue::UInt64(Some(value)) => Ok(Ratio::from_integer((*value).into())),
        ScalarValue::Decimal128(Some(value), _, scale) => {
            let scale = u32::try_from(*scale).map_err(|_| format!("{value} has a negative scale"))?;
            Ok(Ratio::new(BigInt::from(*value), BigInt::from(10).pow(scale)))
        }
        other => Err(format!("{other} is no exact number")),
    }
}

fn slot(function: &AggregateFunction, schema: &DFSchema) -> Result<Slot, String> {
    let AggregateFunctionParams { args, distinct, filter, order_by, .. } = &function.params;
    let name = function.func.name();
    let filter = filter.as_deref().cloned();
    let mut arguments = args.clone();
    let kind = match (name, *distinct) {
        ("sum", false) => SlotKind::Sum,
        ("count", false) => SlotKind::Count,
        ("count", true) => SlotKind::CountDistinct,
        ("min", false) => SlotKind::Min,
        ("max", false) => SlotKind::Max,
        ("median", false) => SlotKind::Percentile(Percentile { numerator: 1, denominator: 2 }),
        ("percentile_cont", false) => {
            let share = arguments.pop().ok_or("percentile_cont needs its share, like 0.9")?;
            if let Some(sort) = order_by.first() {
                // WITHIN GROUP (ORDER BY x) may or may not have put x among the arguments already.
                arguments = vec![sort.expr.clone()];
            }
            SlotKind::Percentile(percentile(&share)?)
        }
        (other, true) => return Err(format!("{other}(distinct …) is not possible, only count(distinct …)")),
        (other, false) => return Err(format!("{other} is not possible: use sum, count, min, max, median or percentile_cont")),
    };
    let argument = arguments.into_iter().next().filter(|argument| !is_row_count(kind, argument));
    for expression in argument.iter().chain(&filter) {
        check_expression(expression)?;
    }
    if let Some(filter) = &filter {
        check_boolean(filter, schema)?;
    }
    if let Some(argument) = &argument {
        check_argument(kind, name, argument, schema)?;
    }
    Ok(Slot { kind, argument, filter })
}

/// `count(*)` and `count(1)`.
fn is_row_count(kind: SlotKind, argument: &Expr) -> bool {
    #[expect(deprecated, reason = "the planner still makes it for count(*)")]
    let wildcard = matches!(argument, Expr::Wildcard { .. });
    kind == SlotKind::Count && (wildcard || matches!(argument, Expr::Literal(value, _) if !value.is_null()))
}

fn percentile(share: &Expr) -> Result<Percentile, String> {
    let Expr::Literal(ScalarValue::Decimal128(Some(value), _, scale), _) = share else {
        return Err("the share of percentile_cont is a number like 0.9".to_owned());
    };
    let denominator = u32::try_from(*scale).ok().and_then(|scale| 10_u32.checked_pow(scale));
    let (Some(denominator), Ok(numerator)) = (denominator, u32::try_from(*value)) else {
        return Err("the share of percentile_cont lies in 0 … 1 and has few decimals".to_owned());
    };
    if numerator > denominator {
        return Err("the share of percentile_cont lies in 0 … 1".to_owned());
    }
    Ok(Percentile { numerator, denominator })
}

fn check_argument(kind: SlotKind, name: &str, argument: &Expr, schema: &DFSchema) -> Result<(), String> {
    let data_type = argument.get_type(schema).map_err(|error| error.strip_backtrace())?;
    let numeric = matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..)) || data_type.is_integer();
    if kind.is_text() || kind == SlotKind::Count || numeric {
        return Ok(());
    }
    Err(format!("{name}({argument}) needs an exact number (integer or decimal), {argument} is {data_type}"))
}

pub(crate) fn check_boolean(filter: &Expr, schema: &DFSchema) -> Result<(), String> {
    match filter.get_type(schema).map_err(|error| error.strip_backtrace())? {
        DataType::Boolean => Ok(()),
        other => Err(format!("`{filter}` is {other}, a condition is needed")),
    }
}

/// A fact's contribution must be the same whenever it is evaluated, or retracting it would not undo it.
pub(crate) fn check_expression(expr: &Expr) -> Result<(), String> {
    let mut problem = None;
    let visited = expr.apply(|node| {
        problem = match node {
            Expr::ScalarFunction(function) if function.func.signature().volatility != Volatility::Immutable => {
                Some(format!("{}() is not immutable: it may give another value tomorrow", function.func.name()))
            }
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) => Some("an aggregate cannot stand here".to_owned()),
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => {
                Some("a KPI reads one fact table, no sub-query".to_owned())
            }
            Expr::Literal(value, _) if value.data_type().is_temporal() && matches!(value.data_type(), DataType::Interval(_)) => {
                Some("no intervals: compare the columns in milliseconds instead".to_owned())
            }
            _ => None,
        };
        Ok(if problem.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.map_err(|error| error.strip_backtrace())?;
    problem.map_or(Ok(()), Err)
}
