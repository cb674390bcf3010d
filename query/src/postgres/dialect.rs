//! What clients write that the planner does not know, said so that it does.

use std::{collections::HashSet, ops::ControlFlow};

use datafusion::sql::{
    parser,
    sqlparser::ast::{
        AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
        FunctionArgumentClause, FunctionArguments, Ident, Interval, LimitClause, ObjectName, OrderBy, OrderByKind, Query, Select,
        SelectItem, SetExpr, Statement, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins, Value, ValueWithSpan,
        VisitMut, VisitorMut,
    },
};

use super::names;
use crate::sql::call;

/// A statement for the planner.
pub(super) fn understood(statement: &Statement) -> parser::Statement {
    let mut statement = statement.clone();
    let _goes_on: ControlFlow<()> = statement.visit(&mut Translator);
    parser::Statement::Statement(Box::new(statement))
}

struct Translator;

impl VisitorMut for Translator {
    type Break = ();

    /// How many rows are wanted is a number, which a driver that sends `LIMIT $1` has to be told.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
            for number in limit.iter_mut().chain(offset.iter_mut().map(|offset| &mut offset.value)) {
                if matches!(number, Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. })) {
                    *number = cast(number.clone(), DataType::BigInt(None));
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What DataFusion cannot order by its place, or in a DISTINCT as it is written, it can by its name.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let (SetExpr::Select(select), Some(OrderBy { kind: OrderByKind::Expressions(order), .. })) =
            (query.body.as_ref(), &mut query.order_by)
        else {
            return ControlFlow::Continue(());
        };
        let named = |key: &Expr| {
            let place = match key {
                Expr::Value(ValueWithSpan { value: Value::Number(place, _), .. }) => place.parse::<usize>().ok(),
                _ => None,
            };
            let written = key.to_string();
            (1..).zip(&select.projection).find_map(|(at, item)| match item {
                SelectItem::ExprWithAlias { expr: Expr::Function(Function { over: Some(_), .. }), alias }
                    if place == Some(at) =>
                {
                    Some(alias.clone())
                }
                SelectItem::ExprWithAlias { expr, alias } if select.distinct.is_some() && expr.to_string() == written => {
                    Some(alias.clone())
                }
                _ => None,
            })
        };
        for key in order {
            if let Some(alias) = named(&key.expr) {
                key.expr = Expr::Identifier(alias);
            }
        }
        ControlFlow::Continue(())
    }

    /// Columns are called as PostgreSQL calls them, so that questions around this one find them. They may be called the same there, but
    /// not in a plan; `names` gives them back what they are called in the answer.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let is_whole =
            !select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        let mut taken = HashSet::new();
        for (place, item) in (1..).zip(&mut select.projection) {
            let (name, expr) = match item {
                SelectItem::UnnamedExpr(expr) if is_whole && !names::is_of_column(expr) => {
                    let name = names::of_function(expr).unwrap_or_else(|| format!("column{place}"));
                    let expr = expr.clone();
                    *item = SelectItem::ExprWithAlias { alias: Ident::with_quote('"', name.clone()), expr: expr.clone() };
                    (name, expr)
                }
                SelectItem::UnnamedExpr(expr) => (planned_name(expr).to_string(), expr.clone()),
                SelectItem::ExprWithAlias { alias, expr } => (alias.value.clone(), expr.clone()),
                _ => continue,
            };
            if !taken.insert(name) {
                *item = SelectItem::ExprWithAlias { alias: Ident::with_quote('"', format!("column{place}")), expr };
            }
        }
        ControlFlow::Continue(())
    }

    /// `generate_series(first, last, '1 day') AS d`: the step is an interval, and the column is called as the table.
    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { name, alias, args: Some(arguments), .. } = table
            && unqualified(name) == SERIES
        {
            step_of(&mut arguments.args);
            let own = || TableAlias { explicit: true, name: Ident::new(SERIES), columns: vec![], at: None };
            let alias = alias.get_or_insert_with(own);
            if alias.columns.is_empty() {
                alias.columns.push(TableAliasColumnDef { name: alias.name.clone(), data_type: None });
            }
        }
        ControlFlow::Continue(())
    }

    /// The same where a value stands: one row for each.
    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && unqualified(&function.name) == SERIES
            && let FunctionArguments::List(arguments) = &mut function.args
            && arguments.args.len() == 3
        {
            step_of(&mut arguments.args);
            *expr = call("unnest", vec![expr.clone()]);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                if let Some(escape) = escape_char.take().and_then(|value| value.into_string()).filter(|escape| escape != "\\") {
                    **pattern = escaped_by_backslash((**pattern).clone(), &escape);
                }
            }
            // `(expression).field` of a composite value: no column here has one, and clients ask it of indexes, which there are not.
            Expr::CompoundFieldAccess { root, access_chain }
                if matches!(root.as_ref(), Expr::Nested(_)) && matches!(access_chain.as_slice(), [AccessExpr::Dot(_)]) =>
            {
                *expr = cast(Expr::Value(Value::Null.into()), DataType::Int(None));
            }
            // One row per place of an array.
            Expr::Function(function) if last_name(function) == "generate_subscripts" => {
                if let Some([array, dimension]) = two_arguments(function) {
                    let bigint = |expr| cast(expr, DataType::BigInt(None));
                    let length = bigint(call("array_length", vec![array, bigint(dimension)]));
                    *expr = numbers(number("1"), call("coalesce", vec![length, number("0")]));
                }
            }
            // One row per number, where a value stands.
            Expr::Function(function) if last_name(function) == "generate_series" => {
                if let Some([first, last]) = two_arguments(function) {
                    *expr = numbers(first, last);
                }
            }
            // The number of a table whose name is made only now.
            Expr::Cast { expr: name, data_type, .. } if is_named(data_type, "regclass") => {
                if matches!(name.as_ref(), Expr::Function(_)) {
                    *expr = call("to_regclass", vec![(**name).clone()]);
                }
            }
            // A name without a schema may be one of the catalogue's own, as `'pg_class'::regclass` is.
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right }
                if left.to_string().ends_with("nspname") && right.to_string().eq_ignore_ascii_case("current_schema()") =>
            {
                let own = Expr::Value(Value::SingleQuotedString("pg_catalog".to_owned()).into());
                *expr = Expr::InList { expr: left.clone(), list: vec![(**right).clone(), own], negated: false };
            }
            // PostgreSQL takes a text for the truth value that it names.
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_truth_of_catalog(left) => {
                if let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = right.as_ref()
                    && let Some(truth) =
                        [("t", true), ("true", true), ("f", false), ("false", false)].into_iter().find(|(name, _)| name == text)
                {
                    **right = Expr::Value(Value::Boolean(truth.1).into());
                }
            }
            // The type of names in the catalogue, which are texts here.
            Expr::Cast { data_type, .. } if is_named(data_type, "name") => *data_type = DataType::Text,
            // `ARRAY(SELECT …)`
            Expr::Function(function) if last_name(function) == "array" => {
                if let FunctionArguments::Subquery(query) = &function.args {
                    let mut query = query.clone();
                    if let SetExpr::Select(select) = query.body.as_mut()
                        && select.from.iter().any(is_unnested)
                    {
                        // The options of a table, which none has.
                        *expr = cast(Expr::Value(Value::Null.into()), list_of_texts());
                    } else if let SetExpr::Select(select) = query.body.as_mut()
                        && let [SelectItem::UnnamedExpr(item)] = select.projection.as_mut_slice()
                    {
                        *item = array_agg(item.clone(), query.order_by.take());
                        *expr = Expr::Subquery(query);
                    }
                }
            }
            // One row of the catalogue for another: PostgreSQL finds out that it is one when it runs, DataFusion wants to know before.
            Expr::Subquery(query) => at_most_one_row(query),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Columns of the catalogue that are true or false, and that clients compare with texts.
const TRUTHS: [&str; 6] = ["indisprimary", "indisunique", "indisclustered", "indisvalid", "attisdropped", "attnotnull"];

fn is_truth_of_catalog(expr: &Expr) -> bool {
    TRUTHS.contains(&expr.to_string().rsplit('.').next().unwrap_or_default())
}

const SERIES: &str = "generate_series";

/// A step that is written as a text is an interval.
fn step_of(arguments: &mut [FunctionArg]) {
    if let [_, _, FunctionArg::Unnamed(FunctionArgExpr::Expr(step))] = arguments
        && let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. }) = step
    {
        *step = Expr::Interval(Interval {
            value: Box::new(step.clone()),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        });
    }
}

fn at_most_one_row(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    let of_catalog = |table: &TableWithJoins| match &table.relation {
        TableFactor::Table { name, .. } => name.to_string().split('.').next_back().is_some_and(|name| name.starts_with("pg_")),
        _ => false,
    };
    let is_plain = select.from.iter().all(of_catalog) && !select.from.is_empty() && query.limit_clause.is_none();
    if let ([SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }], true) =
        (select.projection.as_mut_slice(), is_plain)
        && !matches!(item, Expr::Function(function) if is_aggregate(function))
    {
        *item = call("max", vec![item.clone()]);
    }
}

/// Whether rows are the elements of a column.
fn is_unnested(table: &TableWithJoins) -> bool {
    let TableFactor::Table { name, args: Some(_), .. } = &table.relation else { return false };
    name.to_string().to_lowercase().ends_with("unnest")
}

/// All of them as one array, in this order.
fn array_agg(item: Expr, order: Option<OrderBy>) -> Expr {
    let mut aggregate = call("array_agg", vec![item]);
    if let Expr::Function(Function { args: FunctionArguments::List(arguments), .. }) = &mut aggregate
        && let Some(OrderBy { kind: OrderByKind::Expressions(order), .. }) = order
    {
        arguments.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    aggregate
}

fn list_of_texts() -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None))
}

fn is_named(data_type: &DataType, name: &str) -> bool {
    let found = data_type.to_string().to_lowercase();
    found.strip_prefix("pg_catalog.").unwrap_or(&found) == name
}

fn two_arguments(function: &Function) -> Option<[Expr; 2]> {
    let FunctionArguments::List(arguments) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(first)), FunctionArg::Unnamed(FunctionArgExpr::Expr(second))] =
        arguments.args.as_slice()
    else {
        return None;
    };
    Some([first.clone(), second.clone()])
}

fn number(number: &str) -> Expr {
    Expr::Value(Value::Number(number.to_owned(), false).into())
}

/// One row per number, the last one too.
fn numbers(first: Expr, last: Expr) -> Expr {
    let end = Expr::BinaryOp { left: Box::new(last), op: BinaryOperator::Plus, right: Box::new(number("1")) };
    call("unnest", vec![call("range", vec![first, end])])
}

/// What the planner calls a column by: a cast is called as what it casts.
fn planned_name(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => planned_name(expr),
        other => other,
    }
}

fn last_name(function: &Function) -> String {
    unqualified(&function.name)
}

fn unqualified(name: &ObjectName) -> String {
    let name = name.to_string().to_lowercase();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

fn is_aggregate(function: &Function) -> bool {
    let name = last_name(function);
    name.ends_with("agg") || matches!(name.as_str(), "count" | "max" | "min" | "sum" | "avg" | "bool_or" | "bool_and")
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(expr), data_type, array: false, format: None }
}

/// A pattern whose escape character is another, as the same pattern with a backslash.
fn escaped_by_backslash(pattern: Expr, escape: &str) -> Expr {
    // What stands for the escape character itself, while the others are replaced: no text has it.
    let itself = "\u{1}";
    let steps = [
        ("\\", "\\\\".to_owned()),
        (&escape.repeat(2), itself.to_owned()),
        (escape, "\\".to_owned()),
        (itself, escape.to_owned()),
    ];
    steps.into_iter().fold(pattern, |text, (from, to)| replace(text, from, &to))
}

fn replace(text: Expr, from: &str, to: &str) -> Expr {
    let literal = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).into());
    call("replace", vec![text, literal(from), literal(to)])
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    use super::*;

    fn said(sql: &str) -> String {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        let parser::Statement::Statement(statement) = understood(&statement) else { panic!("{sql}") };
        statement.to_string()
    }

    /// Without the names that say where a column stands.
    fn said_plainly(sql: &str) -> String {
        (1..=3).fold(said(sql), |said, place| said.replace(&format!(" AS \"column{place}\""), ""))
    }

    #[test]
    fn limits_are_numbers() {
        assert_eq!(said("SELECT a FROM t LIMIT $1 OFFSET $2"), "SELECT a FROM t LIMIT $1::BIGINT OFFSET $2::BIGINT");
        assert_eq!(said("SELECT a FROM t LIMIT 5"), "SELECT a FROM t LIMIT 5");
    }

    #[test]
    fn composites_have_no_fields() {
        assert_eq!(said_plainly("SELECT (f(i.k)).n FROM i"), "SELECT NULL::INT FROM i");
        assert_eq!(said_plainly("SELECT i.k, (i.n) FROM i"), "SELECT i.k, (i.n) FROM i");
    }

    #[test]
    fn columns_have_names_of_their_own() {
        assert_eq!(said("SELECT NULL, a, NULL, a"), "SELECT NULL AS \"column1\", a, NULL AS \"column3\", a AS \"column4\"");
        assert_eq!(said("SELECT a, a::text, 1 AS a, b.a"), "SELECT a, a::TEXT AS \"column2\", 1 AS \"column3\", b.a");
        assert_eq!(
            said("SELECT count(*), max(a), count(*)"),
            r#"SELECT count(*) AS "count", max(a) AS "max", count(*) AS "column3""#
        );
        assert_eq!(
            said("SELECT DISTINCT f(a), b AS c FROM t ORDER BY f(a), b"),
            r#"SELECT DISTINCT f(a) AS "f", b AS c FROM t ORDER BY "f", c"#
        );
        assert_eq!(said("SELECT *, count(*) OVER ()"), "SELECT *, count(*) OVER ()");
        assert_eq!(said("SELECT a, rank() OVER () ORDER BY 2, 1"), r#"SELECT a, rank() OVER () AS "rank" ORDER BY "rank", 1"#);
    }

    #[test]
    fn what_clients_write_is_understood() {
        for (theirs, ours) in [
            ("SELECT ix.indisprimary = 'f', r.contype = 'f'", "SELECT ix.indisprimary = false, r.contype = 'f'"),
            ("SELECT 'a'::name", "SELECT 'a'::TEXT"),
            ("SELECT ARRAY(SELECT a FROM b)", r#"SELECT (SELECT array_agg(a) AS "array_agg" FROM b) AS "array""#),
            (
                "SELECT ARRAY(SELECT a FROM b ORDER BY c)",
                r#"SELECT (SELECT array_agg(a ORDER BY c) AS "array_agg" FROM b) AS "array""#,
            ),
            ("SELECT array(SELECT 'toast.' || x FROM pg_catalog.unnest(t.o) x)", r#"SELECT NULL::TEXT[] AS "array""#),
            ("SELECT generate_series(1, a)", r#"SELECT unnest(range(1, a + 1)) AS "generate_series""#),
            (
                "SELECT d FROM generate_series(a, b, '1 day') AS d",
                "SELECT d FROM generate_series(a, b, INTERVAL '1 day') AS d (d)",
            ),
            ("SELECT * FROM generate_series(1, 2)", "SELECT * FROM generate_series(1, 2) AS generate_series (generate_series)"),
            ("SELECT x FROM generate_series(1, 2) s(x)", "SELECT x FROM generate_series(1, 2) s (x)"),
            (
                "SELECT generate_series(a, b, '1 day')::date",
                r#"SELECT unnest(generate_series(a, b, INTERVAL '1 day'))::DATE AS "generate_series""#,
            ),
            (
                "SELECT format('%I', a)::regclass, 'deals'::regclass",
                r#"SELECT to_regclass(format('%I', a)) AS "format", 'deals'::REGCLASS"#,
            ),
        ] {
            assert_eq!(said_plainly(theirs), ours);
        }
    }

    #[test]
    fn subscripts_are_numbers_from_one() {
        let said = said("SELECT pg_catalog.generate_subscripts(i.k, 1)");
        assert_eq!(
            said,
            r#"SELECT unnest(range(1, coalesce(array_length(i.k, 1::BIGINT)::BIGINT, 0) + 1)) AS "generate_subscripts""#
        );
    }

    #[test]
    fn names_without_schema_are_of_the_catalogue_too() {
        assert_eq!(said_plainly("SELECT n.nspname = current_schema()"), "SELECT n.nspname IN (current_schema(), 'pg_catalog')");
    }

    #[test]
    fn lookups_in_the_catalogue_are_of_one_row() {
        assert_eq!(
            said("SELECT (SELECT a FROM pg_catalog.pg_x WHERE a = b)"),
            r#"SELECT (SELECT max(a) AS "max" FROM pg_catalog.pg_x WHERE a = b) AS "a""#
        );
        for same in ["SELECT (SELECT a FROM deals) AS b", "SELECT (SELECT count(*) AS c FROM pg_x) AS b", "SELECT a FROM pg_x"] {
            assert_eq!(said(same), same);
        }
    }

    #[test]
    fn escapes_are_backslashes() {
        assert!(said_plainly("SELECT a LIKE $1 ESCAPE '/'").starts_with("SELECT a LIKE replace(replace(replace(replace($1, "));
        assert_eq!(said_plainly("SELECT a LIKE 'b\\_%' ESCAPE '\\'"), "SELECT a LIKE 'b\\_%'");
    }
}
