//! Expressions on the columns of one relation.

use arrow::datatypes::DataType;
use datafusion::{
    common::{DFSchema, ScalarValue},
    logical_expr::{
        BinaryExpr, Case, Cast, Expr, ExprSchemable, Like, Operator,
        expr::{Alias, InList},
    },
};

use super::{
    Said, Translator, Unsupported,
    types::{clickhouse_type, is_exact_cast},
    unsupported,
};

/// Longer lists stay local.
const LIST_MAX: usize = 500;

/// The columns that an expression may name, and what they are called in the statement.
pub(super) struct Scope<'a> {
    /// The columns of the plan.
    pub(super) schema: &'a DFSchema,
    /// Their names in the statement, in the same order.
    pub(super) names: &'a [String],
}

impl Scope<'_> {
    pub(super) fn type_of(&self, expr: &Expr) -> Said<DataType> {
        expr.get_type(self.schema).map_err(|error| Unsupported(error.strip_backtrace()))
    }
}

impl Translator {
    /// An expression, in parentheses where it needs them.
    pub(super) fn expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Said<String> {
        self.deeper(|translator| translator.any_expression(expr, scope))
    }

    fn any_expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Said<String> {
        match expr {
            Expr::Alias(Alias { expr, .. }) => self.expression(expr, scope),
            Expr::Column(column) => {
                let index = scope.schema.maybe_index_of_column(column);
                let index = index.ok_or_else(|| Unsupported(format!("the column {column} from elsewhere")))?;
                Ok(scope.names[index].clone())
            }
            Expr::Literal(value, _) => self.literal(value),
            Expr::Not(inner) => Ok(format!("(NOT {})", self.expression(inner, scope)?)),
            Expr::IsNull(inner) | Expr::IsUnknown(inner) => Ok(format!("isNull({})", self.expression(inner, scope)?)),
            Expr::IsNotNull(inner) | Expr::IsNotUnknown(inner) => Ok(format!("isNotNull({})", self.expression(inner, scope)?)),
            Expr::IsTrue(inner) => self.condition(inner, scope),
            Expr::IsNotTrue(inner) => Ok(format!("(NOT {})", self.condition(inner, scope)?)),
            Expr::IsFalse(inner) => Ok(format!("ifNull(NOT {}, false)", self.expression(inner, scope)?)),
            Expr::IsNotFalse(inner) => Ok(format!("(NOT ifNull(NOT {}, false))", self.expression(inner, scope)?)),
            Expr::Between(between) => {
                let (value, low) = (self.expression(&between.expr, scope)?, self.expression(&between.low, scope)?);
                let (again, high) = (self.expression(&between.expr, scope)?, self.expression(&between.high, scope)?);
                let not = if between.negated { "NOT " } else { "" };
                Ok(format!("({not}({value} >= {low} AND {again} <= {high}))"))
            }
            Expr::BinaryExpr(binary) => self.binary(binary, scope),
            Expr::InList(list) => self.in_list(list, scope),
            Expr::Like(like) => self.like(like, scope),
            Expr::Case(case) => self.case(case, expr, scope),
            Expr::Cast(cast) => self.cast(cast, scope),
            Expr::ScalarFunction(function) => self.function(function, expr, scope),
            other => unsupported(format!("`{other}`")),
        }
    }

    /// True or false, never NULL.
    pub(super) fn condition(&mut self, expr: &Expr, scope: &Scope<'_>) -> Said<String> {
        Ok(format!("ifNull({}, false)", self.expression(expr, scope)?))
    }

    /// An expression as a column of an answer: conditions are numbers in ClickHouse unless they are told otherwise.
    pub(super) fn output(&mut self, expr: &Expr, scope: &Scope<'_>) -> Said<String> {
        let data_type = scope.type_of(expr)?;
        clickhouse_type(&data_type)?;
        let said = self.expression(expr, scope)?;
        let is_column = matches!(expr.clone().unalias(), Expr::Column(_));
        Ok(if data_type == DataType::Boolean && !is_column { format!("CAST({said} AS Nullable(Bool))") } else { said })
    }

    fn binary(&mut self, binary: &BinaryExpr, scope: &Scope<'_>) -> Said<String> {
        let (left, right) = (scope.type_of(&binary.left)?, scope.type_of(&binary.right)?);
        let operator = match binary.op {
            Operator::And | Operator::Or => binary.op.to_string(),
            Operator::Eq => "=".to_owned(),
            Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => binary.op.to_string(),
            Operator::StringConcat => "||".to_owned(),
            // Both wrap around; narrower integers would widen in ClickHouse.
            Operator::Plus | Operator::Minus | Operator::Multiply if left == DataType::Int64 && right == DataType::Int64 => {
                binary.op.to_string()
            }
            Operator::Plus | Operator::Minus => return self.shifted_date(binary, scope),
            other => return unsupported(format!("{left} {other} {right}")),
        };
        if binary.op == Operator::StringConcat && clickhouse_type(&left)? != "String" {
            return unsupported(format!("{left} || {right}"));
        }
        if clickhouse_type(&left)? != clickhouse_type(&right)? && left != DataType::Null && right != DataType::Null {
            return unsupported(format!("{left} {operator} {right}"));
        }
        let (left, right) = (self.expression(&binary.left, scope)?, self.expression(&binary.right, scope)?);
        Ok(format!("({left} {operator} {right})"))
    }

    /// As comparisons, which know three truth values; ClickHouse's own IN does not.
    fn in_list(&mut self, list: &InList, scope: &Scope<'_>) -> Said<String> {
        let is_value = |item: &Expr| matches!(item, Expr::Literal(value, _) if !value.is_null());
        if list.list.is_empty() || list.list.len() > LIST_MAX || !list.list.iter().all(is_value) {
            return unsupported(format!("a list of {} with NULLs or expressions", list.list.len()));
        }
        let data_type = scope.type_of(&list.expr)?;
        let mut alternatives = Vec::with_capacity(list.list.len());
        for item in &list.list {
            if clickhouse_type(&scope.type_of(item)?)? != clickhouse_type(&data_type)? {
                return unsupported("a list of another type");
            }
            alternatives.push(format!("{} = {}", self.expression(&list.expr, scope)?, self.expression(item, scope)?));
        }
        let not = if list.negated { "NOT " } else { "" };
        Ok(format!("({not}({}))", alternatives.join(" OR ")))
    }

    fn like(&mut self, like: &Like, scope: &Scope<'_>) -> Said<String> {
        let pattern = match like.pattern.as_ref() {
            Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) => text,
            other => return unsupported(format!("LIKE {other}")),
        };
        if like.case_insensitive || like.escape_char.is_some() || pattern.contains('\\') {
            return unsupported("ILIKE, or LIKE with an escape");
        }
        let (text, pattern) = (self.expression(&like.expr, scope)?, self.value("String", pattern.clone()));
        let not = if like.negated { "NOT " } else { "" };
        Ok(format!("({text} {not}LIKE {pattern})"))
    }

    fn case(&mut self, case: &Case, whole: &Expr, scope: &Scope<'_>) -> Said<String> {
        let type_name = clickhouse_type(&scope.type_of(whole)?)?;
        let mut parts = Vec::new();
        for (when, then) in &case.when_then_expr {
            let condition = match &case.expr {
                None => self.condition(when, scope)?,
                Some(operand) => {
                    if clickhouse_type(&scope.type_of(operand)?)? != clickhouse_type(&scope.type_of(when)?)? {
                        return unsupported("CASE over two types");
                    }
                    format!("ifNull({} = {}, false)", self.expression(operand, scope)?, self.expression(when, scope)?)
                }
            };
            parts.push(condition);
            parts.push(self.expression(then, scope)?);
        }
        parts.push(match &case.else_expr {
            Some(otherwise) => self.expression(otherwise, scope)?,
            None => "NULL".to_owned(),
        });
        Ok(format!("CAST(multiIf({}) AS Nullable({type_name}))", parts.join(", ")))
    }

    fn cast(&mut self, cast: &Cast, scope: &Scope<'_>) -> Said<String> {
        let (from, to) = (scope.type_of(&cast.expr)?, cast.field.data_type());
        let (from_name, to_name) = (clickhouse_type(&from)?, clickhouse_type(to)?);
        let inner = self.expression(&cast.expr, scope)?;
        if from_name == to_name {
            return Ok(inner);
        }
        match (&from, to) {
            (DataType::Timestamp(..), DataType::Date32) => Ok(format!("toDate32({inner})")),
            (DataType::Int32 | DataType::Int64 | DataType::Date32, DataType::Utf8 | DataType::Utf8View) => {
                Ok(format!("toString({inner})"))
            }
            _ if is_exact_cast(&from, to) => Ok(format!("CAST({inner} AS Nullable({to_name}))")),
            _ => unsupported(format!("CAST({from} AS {to})")),
        }
    }
}
