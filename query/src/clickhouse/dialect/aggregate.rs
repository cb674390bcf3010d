//! Aggregates that give the same digits on both sides. Percentiles other than the median do not: they stay local.

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, expr::AggregateFunction};

use super::{Said, Translator, expression::Scope, types::clickhouse_type, unsupported};

impl Translator {
    /// One aggregate, of the type that DataFusion gives it.
    pub(super) fn aggregate(&mut self, expr: &Expr, scope: &Scope<'_>) -> Said<String> {
        let unaliased = expr.clone().unalias();
        let Expr::AggregateFunction(AggregateFunction { func, params }) = &unaliased else {
            return unsupported(format!("`{expr}` as an aggregate"));
        };
        if !params.order_by.is_empty() || params.null_treatment.is_some() {
            return unsupported("an ordered aggregate");
        }
        let filter = params.filter.as_deref().map(|filter| self.condition(filter, scope)).transpose()?;
        let type_name = clickhouse_type(&scope.type_of(&unaliased)?)?;
        let said = match (func.name(), params.distinct) {
            ("count", false) => self.count(&params.args, filter, scope)?,
            ("count", true) => {
                let [arg] = params.args.as_slice() else { return unsupported("count(distinct) of several") };
                filtered("uniqExact", &self.argument(arg, scope)?.0, filter)
            }
            ("sum", false) => match self.only_argument(&params.args, scope)? {
                (arg, DataType::Int64 | DataType::Decimal128(..)) => filtered("sumOrNull", &arg, filter),
                (_, other) => return unsupported(format!("sum({other})")),
            },
            ("min" | "max", _) => {
                let (arg, _) = self.only_argument(&params.args, scope)?;
                filtered(&format!("{}OrNull", func.name()), &arg, filter)
            }
            ("median", false) => {
                let (arg, data_type) = self.only_argument(&params.args, scope)?;
                median(&filtered("groupArray", &arg, filter), &data_type)?
            }
            ("avg", false) => self.average(&params.args, filter, scope)?,
            (name, _) => return unsupported(format!("the aggregate {name}()")),
        };
        Ok(format!("CAST({said} AS Nullable({type_name}))"))
    }

    fn count(&mut self, args: &[Expr], filter: Option<String>, scope: &Scope<'_>) -> Said<String> {
        let counted = match args {
            [] => None,
            [Expr::Literal(value, _)] if !value.is_null() => None,
            [arg] => Some(format!("isNotNull({})", self.argument(arg, scope)?.0)),
            _ => return unsupported("count() of several"),
        };
        let conditions: Vec<String> = counted.into_iter().chain(filter).collect();
        Ok(if conditions.is_empty() { "count()".to_owned() } else { format!("countIf({})", conditions.join(" AND ")) })
    }

    /// Of integers, which DataFusion adds up as doubles: exact below 2⁵³. Of decimals, which it cuts off four places on.
    fn average(&mut self, args: &[Expr], filter: Option<String>, scope: &Scope<'_>) -> Said<String> {
        let [arg] = args else { return unsupported("an average of several") };
        let (summed, places) = match arg {
            Expr::Cast(cast) if scope.type_of(&cast.expr)? == DataType::Int64 => (cast.expr.as_ref(), None),
            _ => match scope.type_of(arg)? {
                DataType::Decimal128(_, scale) => (arg, Some(scale + 4)),
                other => return unsupported(format!("avg({other})")),
            },
        };
        let (argument, _) = self.argument(summed, scope)?;
        let condition = filter.iter().fold(format!("isNotNull({argument})"), |all, filter| format!("{all} AND {filter}"));
        let sum = filtered("sumOrNull", &argument, filter);
        let count = format!("greatest(countIf({condition}), 1)");
        Ok(match places {
            None => format!("{sum} / {count}"),
            Some(places) => format!("CAST({sum} AS Nullable(Decimal(76, {places}))) / {count}"),
        })
    }

    fn only_argument(&mut self, args: &[Expr], scope: &Scope<'_>) -> Said<(String, DataType)> {
        let [arg] = args else { return unsupported("an aggregate of several") };
        self.argument(arg, scope)
    }

    fn argument(&mut self, arg: &Expr, scope: &Scope<'_>) -> Said<(String, DataType)> {
        let data_type = scope.type_of(arg)?;
        clickhouse_type(&data_type)?;
        Ok((self.expression(arg, scope)?, data_type))
    }
}

fn filtered(function: &str, argument: &str, filter: Option<String>) -> String {
    match filter {
        None => format!("{function}({argument})"),
        Some(filter) => format!("{function}If({argument}, {filter})"),
    }
}

/// The middle value, or half the sum of both, cut off at the type's last digit as DataFusion does.
fn median(values: &str, data_type: &DataType) -> Said<String> {
    let half = match data_type {
        DataType::Int64 => "intDiv(v[intDiv(length(v), 2)] + v[intDiv(length(v), 2) + 1], 2)",
        DataType::Decimal128(..) | DataType::Float64 => "(v[intDiv(length(v), 2)] + v[intDiv(length(v), 2) + 1]) / 2",
        other => return unsupported(format!("median({other})")),
    };
    let middle = "v[intDiv(length(v), 2) + 1]";
    Ok(format!("arrayMap(v -> multiIf(empty(v), NULL, length(v) % 2 = 1, {middle}, {half}), [arraySort({values})])[1]"))
}
