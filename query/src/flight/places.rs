//! The places of a prepared statement and what they take: a driver of JDBC writes `?`, and binds only what it was told the type of.

use std::{collections::HashSet, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::{
    common::tree_node::{Transformed, TransformedResult, TreeNode},
    error::DataFusionError,
    logical_expr::{
        Expr, LogicalPlan,
        expr::{Cast, Placeholder},
    },
    sql::sqlparser::{
        dialect::GenericDialect,
        tokenizer::{Token, Tokenizer},
    },
};

/// Each `?` as `$1`, `$2` and so on.
pub(super) fn numbered(sql: &str) -> String {
    // The dialect of the planner; a text that has no tokens fails there.
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().unwrap_or_default();
    let marks = tokens.iter().filter(|token| matches!(&token.token, Token::Placeholder(name) if name == "?"));
    let marks: HashSet<(u64, u64)> = marks.map(|token| (token.span.start.line, token.span.start.column)).collect();
    let mut numbered = String::with_capacity(sql.len());
    let mut place = 0;
    for (line, text) in (1..).zip(sql.split_inclusive('\n')) {
        for (column, character) in (1..).zip(text.chars()) {
            if marks.contains(&(line, column)) {
                place += 1;
                numbered.push_str(&format!("${place}"));
            } else {
                numbered.push(character);
            }
        }
    }
    numbered
}

/// What a plan takes in the place of `$1` and so on, in their order.
///
/// # Errors
/// One place that takes different types.
pub(super) fn parameter_schema(plan: LogicalPlan) -> Result<Schema, DataFusionError> {
    let types = typed(plan)?.get_parameter_types()?;
    let mut types: Vec<(usize, String, DataType)> = types
        .into_iter()
        .map(|(name, found)| (name.trim_start_matches('$').parse().unwrap_or(usize::MAX), name, bindable(found)))
        .collect();
    types.sort_by_key(|(place, ..)| *place);
    Ok(Schema::new(types.into_iter().map(|(_, name, found)| Field::new(name, found, true)).collect::<Vec<_>>()))
}

/// What the planner leaves open: a place in a cast is of its type, and a limit is a number.
fn typed(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    plan.transform_up_with_subqueries(|plan| {
        let is_limit = matches!(plan, LogicalPlan::Limit(_));
        plan.map_expressions(|expr| match expr {
            expr if is_limit => Ok(Transformed::yes(of_type(expr, &DataType::Int64))),
            expr => expr.transform_up(|expr| match expr {
                Expr::Cast(Cast { expr, field }) => {
                    let expr = Box::new(of_type(*expr, field.data_type()));
                    Ok(Transformed::yes(Expr::Cast(Cast { expr, field })))
                }
                other => Ok(Transformed::no(other)),
            }),
        })
    })
    .data()
}

fn of_type(expr: Expr, data_type: &DataType) -> Expr {
    match expr {
        Expr::Placeholder(Placeholder { id, field: None }) => {
            Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(Field::new("", data_type.clone(), true)))))
        }
        other => other,
    }
}

/// JDBC's driver has no views, and writes an instant's milliseconds whatever the unit that it was told.
fn bindable(found: Option<DataType>) -> DataType {
    match found {
        None | Some(DataType::Utf8View) => DataType::Utf8,
        Some(DataType::BinaryView) => DataType::Binary,
        Some(DataType::Timestamp(_, zone)) => DataType::Timestamp(TimeUnit::Millisecond, zone),
        Some(other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_are_numbered() {
        let sql = "SELECT '?', \"?\", 'é' || ? -- ?\nFROM deals /* ? */ WHERE a = ? AND b = $7";
        assert_eq!(numbered(sql), "SELECT '?', \"?\", 'é' || $1 -- ?\nFROM deals /* ? */ WHERE a = $2 AND b = $7");
        assert_eq!(numbered("SELECT 'no end"), "SELECT 'no end");
    }
}
