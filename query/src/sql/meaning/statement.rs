//! The statement as a whole, visited once.

use std::ops::ControlFlow;

use datafusion::{
    error::{DataFusionError, Result},
    sql::{
        parser,
        sqlparser::ast::{
            BinaryOperator, DataType, DateTimeField, Expr, LimitClause, Query, Select, SelectItem, Statement, TableFactor, Value,
            ValueWithSpan, VisitMut, VisitorMut, visit_expressions_mut,
        },
    },
};

use super::{
    super::functions::{AS_TEXT, INTEGRAL, TIMEZONE},
    functions::{any_known, call, same, seconds, with_format},
    literals::{plain, regular, with_seconds},
    subqueries::{counted, counts_the_same, known_in_condition, known_in_value, stand_apart},
    types::{as_wide, is_integer, is_text, is_time, letters},
};

/// A statement that means to DataFusion what it means to PostgreSQL.
///
/// # Errors
/// What cannot be said, as `TABLESAMPLE`.
pub(in super::super) fn meant(mut statement: parser::Statement) -> Result<parser::Statement> {
    if let parser::Statement::Statement(inner) = &mut statement
        && let ControlFlow::Break(error) = VisitMut::visit(inner.as_mut() as &mut Statement, &mut Meaning)
    {
        return Err(error);
    }
    Ok(statement)
}

struct Meaning;

impl VisitorMut for Meaning {
    type Break = DataFusionError;

    /// `FETCH FIRST 5 ROWS ONLY` is `LIMIT 5`. Of rows that are the same, DataFusion's `EXCEPT ALL` takes away all.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        if counts_the_same(&query.body) {
            return refused(
                "EXCEPT ALL and INTERSECT ALL are not known here: number the rows with row_number() OVER (PARTITION BY …)",
            );
        }
        let Some(fetch) = query.fetch.take() else { return ControlFlow::Continue(()) };
        if fetch.with_ties || fetch.percent {
            return refused("FETCH FIRST … PERCENT and … WITH TIES are not known here: rank() OVER (…) finds what is tied");
        }
        let wanted = Some(fetch.quantity.unwrap_or_else(|| Expr::Value(Value::Number("1".to_owned(), false).into())));
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, .. }) if limit.is_none() => *limit = wanted,
            None => query.limit_clause = Some(LimitClause::LimitOffset { limit: wanted, offset: None, limit_by: vec![] }),
            Some(_) => return refused("LIMIT and FETCH FIRST are the same: write one of them"),
        }
        ControlFlow::Continue(())
    }

    /// Whether there are such rows, as a value: DataFusion knows it as a condition only.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        select.selection.iter_mut().chain(select.having.iter_mut()).for_each(known_in_condition);
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                known_in_value(expr);
                let _goes_on: ControlFlow<()> = visit_expressions_mut(expr, |expr| {
                    if let Expr::Exists { subquery, negated } = expr
                        && let Some(count) = counted(subquery)
                    {
                        let any = Expr::Nested(Box::new(Expr::BinaryOp {
                            left: Box::new(Expr::Subquery(Box::new(count))),
                            op: if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt },
                            right: Box::new(Expr::Value(Value::Number("0".to_owned(), false).into())),
                        }));
                        *expr = any;
                    }
                    ControlFlow::Continue(())
                });
            }
        }
        ControlFlow::Continue(())
    }

    /// DataFusion would answer of all rows.
    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Self::Break> {
        match table {
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                refused("TABLESAMPLE is not known here: WHERE random() < 0.1 takes about a tenth of the rows")
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match expr {
            Expr::Cast { data_type, expr: inner, .. } => {
                *data_type = as_wide(data_type);
                let is_parameter = matches!(inner.as_ref(), Expr::Value(ValueWithSpan { value: Value::Placeholder(_), .. }));
                if is_integer(data_type) && !is_parameter {
                    **inner = call(INTEGRAL, vec![(**inner).clone()]);
                }
                if is_text(data_type) && !is_parameter {
                    **inner = call(AS_TEXT, vec![(**inner).clone()]);
                }
                if is_time(data_type)
                    && let Expr::Value(value) = inner.as_mut()
                {
                    with_seconds(value);
                }
                if let Some(letters) = letters(data_type) {
                    *data_type = DataType::Text;
                    let letters = Expr::Value(Value::Number(letters.to_string(), false).into());
                    *expr = call("left", vec![expr.clone(), letters]);
                }
            }
            Expr::Extract { field: DateTimeField::Second | DateTimeField::Seconds, expr: time, .. } => *expr = seconds(time),
            // As the function that a session has, and not as DataFusion's own.
            Expr::Extract { field, expr: time, .. } => {
                let unit = Expr::Value(Value::SingleQuotedString(field.to_string()).into());
                *expr = call("date_part", vec![unit, (**time).clone()]);
            }
            Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => {
                if let Some(plain) = plain(digits) {
                    *digits = plain;
                }
            }
            Expr::BinaryOp { op: BinaryOperator::PGOverlap, left, right } => {
                *expr = call("array_has_any", vec![(**left).clone(), (**right).clone()]);
            }
            Expr::TypedString(typed) => {
                typed.data_type = as_wide(&typed.data_type);
                if is_time(&typed.data_type) {
                    with_seconds(&mut typed.value);
                }
            }
            Expr::SimilarTo { negated, expr: text, pattern, escape_char } => {
                let literal = match (pattern.as_ref(), escape_char) {
                    (Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(pattern), .. }), None) => pattern,
                    _ => {
                        return refused(
                            "SIMILAR TO is known here with a text and without ESCAPE only: ~ takes any regular expression",
                        );
                    }
                };
                let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
                let pattern = Value::SingleQuotedString(regular(literal));
                *expr = Expr::BinaryOp { left: text.clone(), op, right: Box::new(Expr::Value(pattern.into())) };
            }
            Expr::AnyOp { left, compare_op, right, .. } => match right.as_mut() {
                Expr::Subquery(query) => stand_apart(query),
                list => {
                    if let Some(known) = any_known(left, compare_op, list) {
                        *expr = known;
                    }
                }
            },
            Expr::AllOp { right, .. } => {
                if let Expr::Subquery(query) = right.as_mut() {
                    stand_apart(query);
                }
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                *expr = call(TIMEZONE, vec![(**time_zone).clone(), (**timestamp).clone()]);
            }
            Expr::Function(function) => {
                if let Err(unknown) = with_format(function) {
                    return refused(&unknown);
                }
                if let Some(same) = same(function) {
                    *expr = same;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn refused<T>(why: &str) -> ControlFlow<DataFusionError, T> {
    ControlFlow::Break(DataFusionError::NotImplemented(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    use super::*;

    fn said(sql: &str) -> Result<String> {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        meant(parser::Statement::Statement(Box::new(statement))).map(|statement| statement.to_string())
    }

    #[test]
    fn postgresql_is_said_in_datafusions_words() {
        for (theirs, ours) in [
            ("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", "SELECT a FROM t LIMIT 5"),
            ("SELECT a FROM t OFFSET 2 ROWS FETCH NEXT ROW ONLY", "SELECT a FROM t LIMIT 1 OFFSET 2 ROWS"),
            ("SELECT EXISTS (SELECT 1 FROM t WHERE a = b)", "SELECT ((SELECT count(*) FROM t WHERE a = b) > 0)"),
            ("SELECT EXISTS (SELECT a AS b FROM t)", "SELECT ((SELECT count(*) FROM t) > 0)"),
            ("SELECT NOT EXISTS (SELECT * FROM t) AS x", "SELECT ((SELECT count(*) FROM t) = 0) AS x"),
            ("SELECT EXISTS (SELECT max(a) FROM t)", "SELECT EXISTS (SELECT max(a) FROM t)"),
            ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM s)", "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM s)"),
            ("SELECT a::float, CAST(a AS FLOAT(24)), a::float8", "SELECT a::DOUBLE PRECISION, CAST(a AS REAL), a::FLOAT8"),
            (
                "SELECT '2026-01-01 08:00'::timestamptz, timestamp '2026-01-01T08:00+02', '2026-01-01 08:00'",
                "SELECT '2026-01-01 08:00:00'::TIMESTAMPTZ, TIMESTAMP '2026-01-01T08:00:00+02', '2026-01-01 08:00'",
            ),
            ("SELECT a SIMILAR TO 'x(b|c)%_.'", "SELECT a ~ '^(?s:x(b|c).*.\\.)$'"),
            ("SELECT a NOT SIMILAR TO '[%^_]\\%'", "SELECT a !~ '^(?s:[%^_]\\%)$'"),
            ("SELECT a AT TIME ZONE 'Asia/Shanghai'", "SELECT timezone('Asia/Shanghai', a)"),
            ("SELECT to_timestamp(a, 'YYYY-MM-DD HH24:MI:SS.US')", "SELECT to_timestamp(a, '%Y-%m-%d %H:%M:%S%.f')"),
            ("SELECT to_char(a, 'yyyy-mm-dd hh24:mi')", "SELECT to_char(a, '%Y-%m-%d %H:%M')"),
            ("SELECT to_char(a, 'YYYY-\"Q\"Q'), to_char(a, '%Y')", "SELECT to_char(a, '%Y-Q%q'), to_char(a, '%Y')"),
            (
                "SELECT a FROM t WHERE a > ALL (SELECT a FROM t)",
                "SELECT a FROM t WHERE a > ALL(SELECT value FROM (SELECT a FROM t) AS quantified (value))",
            ),
            (
                "SELECT a::varchar(7), a::varchar, CAST(a AS char(2))",
                "SELECT left(as_text(a)::TEXT, 7), as_text(a)::VARCHAR, left(CAST(as_text(a) AS TEXT), 2)",
            ),
            (
                "SELECT a = ANY (b), a < ANY (b), NOT array_contains(b, a)",
                "SELECT is_any(a, b), (NOT a >= ALL(b)), NOT is_any(a, b)",
            ),
            ("SELECT extract(hour FROM a)", "SELECT date_part('HOUR', a)"),
            (
                "SELECT date_part('seconds', a), date_part(b, a)",
                "SELECT (date_part('microsecond', a) / 1000000.0), date_part(b, a)",
            ),
            ("SELECT extract(second FROM a)", "SELECT (date_part('microsecond', a) / 1000000.0)"),
            (
                "SELECT string_agg(DISTINCT a, ',' ORDER BY a DESC), array_agg(DISTINCT a ORDER BY a), string_agg(DISTINCT a, ',')",
                "SELECT array_to_string(array_sort(array_agg(DISTINCT a), 'DESC', 'NULLS FIRST'), ','), \
                 array_sort(array_agg(DISTINCT a), 'ASC', 'NULLS LAST'), string_agg(DISTINCT a, ',')",
            ),
            ("SELECT avg(a), avg(a * 1.0)", "SELECT avg(a), avg(precise(a * 1.0))"),
            ("SELECT a::int, $1::int, a::text, $2::text", "SELECT integral(a)::INT, $1::INT, as_text(a)::TEXT, $2::TEXT"),
            (
                "SELECT sum(a) FILTER (WHERE b), round(a), round(a, 2)",
                "SELECT narrow(sum(wide(a)) FILTER (WHERE b)), round(integral(a)), round(a, 2)",
            ),
            ("SELECT 1e3, 1.5e2, 1.234E2, 1e-3, a && b", "SELECT 1000, 150, 123.4, 1e-3, array_has_any(a, b)"),
            (
                "SELECT a IN (SELECT b FROM s) FROM t WHERE a NOT IN (SELECT b FROM s) AND (a IN (SELECT b FROM s) OR c)",
                "SELECT is_among(a, (SELECT array_agg(DISTINCT b) FROM s)) \
                 FROM t WHERE a NOT IN (SELECT b FROM s) AND (a IN (SELECT b FROM s) OR c)",
            ),
            (
                "SELECT a FROM t WHERE c OR a <> ALL (SELECT b FROM s LIMIT 5)",
                "SELECT a FROM t WHERE c OR \
                 (NOT is_among(a, (SELECT array_agg(DISTINCT value) FROM (SELECT b FROM s LIMIT 5) AS quantified (value))))",
            ),
            ("SELECT mod(a + 1, 3), sign(a), localtimestamp", "SELECT ((a + 1) % (3)), signum(a), now()::TIMESTAMP"),
        ] {
            assert_eq!(said(theirs).unwrap(), ours.replace("\\\\", "\\"));
        }
    }

    #[test]
    fn what_would_be_another_question_is_refused() {
        for (sql, why) in [
            ("SELECT * FROM t TABLESAMPLE SYSTEM (10)", "TABLESAMPLE"),
            ("SELECT * FROM t FETCH FIRST 5 ROWS WITH TIES", "WITH TIES"),
            ("SELECT a FROM t UNION ALL (SELECT a FROM t EXCEPT ALL SELECT a FROM s)", "EXCEPT ALL"),
            ("SELECT to_char(a, 'YYYY J')", "YYYY, "),
            ("SELECT to_char(a, '9,999.99')", "knows times"),
            ("SELECT a SIMILAR TO b FROM t", "SIMILAR TO"),
            ("SELECT a SIMILAR TO 'b' ESCAPE '#' FROM t", "SIMILAR TO"),
        ] {
            let error = said(sql).expect_err(sql).to_string();
            assert!(error.contains(why), "{sql}: {error}");
        }
    }
}
