//! The values of `$1`, `$2` and so on, whose types a driver declares or asks for, and which it may send in several forms.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use bytes::BytesMut;
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
use datafusion_postgres::pgwire::{
    api::{
        Type,
        portal::{Format, Portal},
    },
    error::{PgWireError, PgWireResult},
};
use postgres_types::ToSql;

use crate::{Error, sql::ANY};

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
                    Expr::ScalarFunction(function) if function.name() == ANY => match function.args.as_mut_slice() {
                        [element, Expr::Placeholder(array)] if array.field.is_none() => {
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

/// The portal with its arrays of texts in binary: of those in text the library takes the quotes for a part of the elements.
///
/// # Errors
/// What is no array.
pub(super) fn with_readable_arrays<S: Clone>(portal: &Portal<S>, types: &[Type]) -> PgWireResult<Portal<S>> {
    let declared = &portal.statement.parameter_types;
    let (mut values, mut formats) = (portal.parameters.clone(), Vec::new());
    for (place, value) in values.iter_mut().enumerate() {
        let is_binary = portal.parameter_format.is_binary(place);
        let data_type = declared.get(place).and_then(Option::as_ref).or_else(|| types.get(place));
        let is_texts = matches!(data_type, Some(&Type::TEXT_ARRAY | &Type::VARCHAR_ARRAY));
        let Some(text) = value.as_ref().filter(|_| is_texts && !is_binary) else {
            formats.push(i16::from(is_binary));
            continue;
        };
        let texts = std::str::from_utf8(text).ok().and_then(texts_of_array);
        let texts = texts.ok_or_else(|| {
            let reason = format!("the value of ${} is no array of texts like {{one,\"two\"}}", place + 1);
            PgWireError::ApiError(Box::new(Error::Body(reason)))
        })?;
        let mut binary = BytesMut::new();
        texts.to_sql(&Type::TEXT_ARRAY, &mut binary).map_err(PgWireError::FailedToParseParameter)?;
        *value = Some(binary.freeze());
        formats.push(1);
    }
    let mut readable = Portal::new_cursor(portal.name.clone(), Arc::clone(&portal.statement));
    readable.parameter_format = Format::Individual(formats);
    readable.parameters = values;
    readable.result_column_format = portal.result_column_format.clone();
    readable.state = Arc::clone(&portal.state);
    Ok(readable)
}

/// The elements of `{one,"two, \"quoted\"",NULL}`; none where it is no such array.
pub(super) fn texts_of_array(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut elements, mut rest) = (Vec::new(), inside.trim_start());
    while !rest.is_empty() {
        let mut element = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut letters = quoted.chars();
            loop {
                match letters.next()? {
                    '"' => break,
                    '\\' => element.push(letters.next()?),
                    letter => element.push(letter),
                }
            }
            rest = letters.as_str().trim_start();
            elements.push(Some(element));
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let plain = rest[..end].trim_end();
            if plain.is_empty() || plain.contains(['{', '}', '"', '\\']) {
                return None;
            }
            elements.push((!plain.eq_ignore_ascii_case("null")).then(|| plain.to_owned()));
            rest = &rest[end..];
        }
        if rest.is_empty() {
            return Some(elements);
        }
        // Behind a comma there is another.
        rest = rest.strip_prefix(',')?.trim_start();
        if rest.is_empty() {
            return None;
        }
    }
    Some(elements)
}

fn placeholders(text: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize().unwrap_or_default();
    let names = tokens.into_iter().filter_map(|token| match token {
        Token::Placeholder(name) => Some(name),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_texts_are_read() {
        for (text, elements) in [
            ("{}", &[][..]),
            ("{one, two}", &[Some("one"), Some("two")]),
            (r#"{"one","a, \"b\" \\",NULL,"null", c d }"#, &[Some("one"), Some(r#"a, "b" \"#), None, Some("null"), Some("c d")]),
            (r#"{""}"#, &[Some("")]),
        ] {
            let found = texts_of_array(text).unwrap();
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), elements, "{text}");
        }
        for text in ["", "one", "{one", "{one,}", "{,one}", "{{one}}", r#"{"one}"#, r#"{"one" two}"#, r#"{o"n"e}"#] {
            assert_eq!(texts_of_array(text), None, "{text}");
        }
    }
}
