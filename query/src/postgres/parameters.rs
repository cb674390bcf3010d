//! The values of `$1`, `$2` and so on, whose types a driver declares or asks for.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::{
    common::{
        DFSchema,
        tree_node::{Transformed, TreeNode},
    },
    error::Result,
    logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, expr::Placeholder, utils::conjunction},
    sql::sqlparser::{
        ast::Statement,
        dialect::PostgreSqlDialect,
        tokenizer::{Token, Tokenizer},
    },
};
use datafusion_postgres::pgwire::api::Type;

/// The types that a driver declares for the values of a statement that it prepares, in their order.
#[derive(Debug, Default)]
pub(super) struct Declared(pub(super) Vec<Option<Type>>);

/// A plan whose parameters are all that a driver sends, each of the type that its value is read as.
///
/// # Errors
/// What DataFusion says.
pub(super) fn with_types(plan: LogicalPlan, statement: &Statement, declared: &Declared) -> Result<LogicalPlan> {
    with_every_parameter(typed(plan, declared)?, statement)
}

/// Says of parameters what the planner leaves open, or understands otherwise than PostgreSQL.
fn typed(plan: LogicalPlan, declared: &Declared) -> Result<LogicalPlan> {
    let typed = plan.transform_up_with_subqueries(|node| {
        let mut columns = DFSchema::empty();
        node.inputs().iter().for_each(|input| columns.merge(input.schema()));
        node.map_expressions(|expr| {
            expr.transform_up(|mut expr| {
                let data_type = match &mut expr {
                    // In `a = ANY($1)` the value is an array of what `a` is.
                    Expr::ScalarFunction(function) if function.name() == "array_has" => match function.args.as_mut_slice() {
                        [Expr::Placeholder(array), element] if array.field.is_none() => {
                            Some((array, DataType::new_list(element.get_type(&columns)?, true)))
                        }
                        _ => None,
                    },
                    // An instant that is compared with a day stays an instant, and the day becomes one.
                    Expr::Placeholder(value) => declared.instant(value).map(|instant| (value, instant)),
                    _ => None,
                };
                let Some((placeholder, data_type)) = data_type else { return Ok(Transformed::no(expr)) };
                placeholder.field = Some(Arc::new(Field::new("", data_type, true)));
                Ok(Transformed::yes(expr))
            })
        })
    });
    Ok(typed?.data)
}

impl Declared {
    /// The type of a value that is declared to be an instant and that the planner takes for a day.
    fn instant(&self, value: &Placeholder) -> Option<DataType> {
        let is_day = value.field.as_ref().is_some_and(|field| field.data_type() == &DataType::Date32);
        let place: usize = value.id.strip_prefix('$')?.parse().ok()?;
        let declared = self.0.get(place.checked_sub(1)?)?.as_ref()?;
        let zone = match *declared {
            Type::TIMESTAMP => None,
            Type::TIMESTAMPTZ => Some("UTC".into()),
            _ => return None,
        };
        is_day.then_some(DataType::Timestamp(TimeUnit::Microsecond, zone))
    }
}

/// A driver sends a value for every `$1` of its text, also for those that the planner found to be of no use.
fn with_every_parameter(plan: LogicalPlan, statement: &Statement) -> Result<LogicalPlan> {
    let known = plan.get_parameter_types()?;
    let text = statement.to_string();
    let sent = known
        .keys()
        .chain(placeholders(&text).iter())
        .filter_map(|name| name.trim_start_matches('$').parse::<usize>().ok())
        .max();
    let missing = (1..=sent.unwrap_or(0)).map(|place| format!("${place}")).filter(|name| !known.contains_key(name));
    let text = Arc::new(Field::new("", DataType::Utf8, true));
    let unused = missing.map(|name| Expr::Placeholder(Placeholder::new_with_field(name, Some(Arc::clone(&text)))).is_not_null());
    match conjunction(unused) {
        Some(condition) => Ok(LogicalPlanBuilder::from(plan).filter(condition)?.build()?),
        None => Ok(plan),
    }
}

fn placeholders(text: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap_or_default();
    let names = tokens.into_iter().filter_map(|token| match token {
        Token::Placeholder(name) => Some(name),
        _ => None,
    });
    names.collect()
}
