//! PostgreSQL's SQL is what every door speaks. What DataFusion reads otherwise, or reads and leaves out, is said here in its own words,
//! or refused: an answer to another question is a wrong number.

use std::ops::ControlFlow;

use datafusion::{
    error::{DataFusionError, Result},
    sql::{
        parser,
        sqlparser::ast::{
            BinaryOperator, CastKind, CharacterLength, DataType, DateTimeField, DuplicateTreatment, ExactNumberInfo, Expr,
            Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArgumentList, FunctionArguments, GroupByExpr,
            Ident, LimitClause, ObjectName, OrderByExpr, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier,
            Statement, TableFactor, TableWithJoins, TimezoneInfo, Value, ValueWithSpan, VisitMut, VisitorMut,
            visit_expressions_mut,
        },
        sqlparser::{dialect::PostgreSqlDialect, parser::Parser},
    },
};

use super::{
    functions::{INTEGRAL, PRECISE, TIMEZONE},
    time_format::{known, time_format},
};

/// A statement that means to DataFusion what it means to PostgreSQL.
///
/// # Errors
/// What cannot be said, as `TABLESAMPLE`.
pub(super) fn meant(mut statement: parser::Statement) -> Result<parser::Statement> {
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
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
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
            // With what is behind the point.
            Expr::Extract { field: DateTimeField::Second | DateTimeField::Seconds, expr: time, .. } => {
                let unit = Expr::Value(Value::SingleQuotedString("microsecond".to_owned()).into());
                let million = Expr::Value(Value::Number("1000000.0".to_owned(), false).into());
                let microseconds = Box::new(call("date_part", vec![unit, (**time).clone()]));
                let seconds = Expr::BinaryOp { left: microseconds, op: BinaryOperator::Divide, right: Box::new(million) };
                *expr = Expr::Nested(Box::new(seconds));
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
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
                if let Expr::Subquery(query) = right.as_mut()
                    && let Some(apart) = apart(query)
                {
                    **query = apart;
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

fn counts_the_same(body: &SetExpr) -> bool {
    match body {
        SetExpr::SetOperation { op, set_quantifier, left, right } => {
            let is_all = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
            is_all && matches!(op, SetOperator::Except | SetOperator::Intersect | SetOperator::Minus)
                || counts_the_same(left)
                || counts_the_same(right)
        }
        _ => false,
    }
}

/// A question whose column has a name of its own: where what it is compared with is called the same, DataFusion compares it with itself.
fn apart(query: &Query) -> Option<Query> {
    let around = "SELECT value FROM (SELECT 1) AS quantified (value)";
    let Statement::Query(mut around) = Parser::parse_sql(&PostgreSqlDialect {}, around).ok()?.pop()? else { return None };
    if let SetExpr::Select(select) = around.body.as_mut()
        && let [TableWithJoins { relation: TableFactor::Derived { subquery, .. }, .. }] = select.from.as_mut_slice()
    {
        **subquery = query.clone();
    }
    Some(*around)
}

/// How many rows a question has; none of one that has to be run to be counted.
fn counted(query: &Query) -> Option<Query> {
    let is_plain = query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let is_ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    if !is_plain || !is_ungrouped || select.having.is_some() || select.distinct.is_some() || select.projection.len() != 1 {
        return None;
    }
    // What is asked for has no say, unless it is an aggregate, which is of one row always.
    if !matches!(
        &select.projection[0],
        SelectItem::UnnamedExpr(Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)) | SelectItem::Wildcard(_)
    ) {
        return None;
    }
    let mut count = query.clone();
    count.order_by = None;
    if let SetExpr::Select(select) = count.body.as_mut() {
        let mut all = call("count", vec![]);
        if let Expr::Function(Function { args: FunctionArguments::List(arguments), .. }) = &mut all {
            arguments.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
        }
        select.projection = vec![SelectItem::UnnamedExpr(all)];
    }
    Some(count)
}

/// `float` has 53 bits unless it is told to have 24 or less; DataFusion's has 24, which is seven digits of a sum of money.
fn as_wide(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Float(ExactNumberInfo::Precision(bits)) if *bits <= 24 => DataType::Real,
        DataType::Float(_) => DataType::DoublePrecision,
        other => other.clone(),
    }
}

/// How many letters a text may have; the others are cut off.
fn letters(data_type: &DataType) -> Option<u64> {
    let (DataType::Varchar(length)
    | DataType::CharacterVarying(length)
    | DataType::CharVarying(length)
    | DataType::Char(length)
    | DataType::Character(length)) = data_type
    else {
        return None;
    };
    match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        _ => None,
    }
}

fn is_integer(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Integer(_)
            | DataType::Int4(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
    )
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(..) | DataType::Datetime(_))
}

/// `2026-01-01 08:00` is a time too.
fn with_seconds(value: &mut ValueWithSpan) {
    const MINUTES: usize = "2026-01-01 08:00".len();
    let Value::SingleQuotedString(text) = &mut value.value else { return };
    let shape = |at: usize, is: fn(u8) -> bool| text.as_bytes().get(at).copied().is_some_and(is);
    let ends = text.len() == MINUTES || shape(MINUTES, |next| matches!(next, b'+' | b'-' | b'Z' | b' '));
    if ends && shape(10, |byte| matches!(byte, b' ' | b'T')) && shape(13, |byte| byte == b':') && text.is_ascii() {
        text.insert_str(MINUTES, ":00");
    }
}

/// The regular expression of a pattern for the whole of a text: `%` and `_` as in LIKE, `.`, `^` and `$` for themselves.
fn regular(pattern: &str) -> String {
    let (mut regex, mut rest, mut is_class) = ("^(?s:".to_owned(), pattern.chars(), false);
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                if let Some(itself) = rest.next() {
                    if !itself.is_alphanumeric() {
                        regex.push('\\');
                    }
                    regex.push(itself);
                }
                continue;
            }
            '[' => is_class = true,
            ']' => is_class = false,
            _ => {}
        }
        match next {
            '%' if !is_class => regex.push_str(".*"),
            '_' if !is_class => regex.push('.'),
            '.' | '$' => regex.extend(['\\', next]),
            '^' if !is_class => regex.push_str("\\^"),
            _ => regex.push(next),
        }
    }
    regex + ")$"
}

/// What a function is called or written as here.
fn same(function: &mut Function) -> Option<Expr> {
    let [name] = function.name.0.as_slice() else { return None };
    let name = name.as_ident().filter(|name| name.quote_style.is_none())?.value.to_lowercase();
    let other = match name.as_str() {
        "clock_timestamp" | "statement_timestamp" | "transaction_timestamp" => "now",
        "array_agg" | "string_agg" => return distinct(function),
        "avg" => {
            if let FunctionArguments::List(arguments) = &mut function.args
                && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(of))] = arguments.args.as_mut_slice()
                && !matches!(of, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                *of = call(PRECISE, vec![of.clone()]);
            }
            return None;
        }
        "ceiling" => "ceil",
        "every" => "bool_and",
        "gen_random_uuid" => "uuid",
        "sign" => "signum",
        "variance" => "var_samp",
        "mod" => return modulo(function),
        "localtimestamp" => return Some(local_now()),
        _ => return None,
    };
    function.name = ObjectName::from(vec![Ident::new(other)]);
    None
}

/// `string_agg(DISTINCT x, ',' ORDER BY x)`: beside aggregates of another order DataFusion forgets this one.
fn distinct(function: &mut Function) -> Option<Expr> {
    let FunctionArguments::List(arguments) = &mut function.args else { return None };
    let order = arguments.clauses.iter().position(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))?;
    let (Some(DuplicateTreatment::Distinct), [FunctionArg::Unnamed(FunctionArgExpr::Expr(of)), rest @ ..]) =
        (&arguments.duplicate_treatment, arguments.args.as_slice())
    else {
        return None;
    };
    let FunctionArgumentClause::OrderBy(keys) = &arguments.clauses[order] else { return None };
    let [OrderByExpr { expr: key, options, .. }] = keys.as_slice() else { return None };
    if key.to_string() != of.to_string() {
        return None;
    }
    let descends = options.asc == Some(false);
    let nulls_first = options.nulls_first.unwrap_or(descends);
    let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).into());
    let separator = match rest {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(separator))] => Some(separator.clone()),
        _ => None,
    };
    let mut all = function.clone();
    all.name = ObjectName::from(vec![Ident::new("array_agg")]);
    if let FunctionArguments::List(arguments) = &mut all.args {
        arguments.args.truncate(1);
        arguments.clauses.remove(order);
    }
    let (way, nulls) = (if descends { "DESC" } else { "ASC" }, if nulls_first { "NULLS FIRST" } else { "NULLS LAST" });
    let sorted = call("array_sort", vec![Expr::Function(all), text(way), text(nulls)]);
    Some(match separator {
        Some(separator) => call("array_to_string", vec![sorted, separator]),
        None => sorted,
    })
}

/// What clocks show now in the session's zone, which is UTC.
fn local_now() -> Expr {
    let (now, data_type) = (Box::new(call("now", vec![])), DataType::Timestamp(None, TimezoneInfo::None));
    Expr::Cast { kind: CastKind::DoubleColon, expr: now, data_type, array: false, format: None }
}

/// A format of a time as chrono writes it.
fn with_format(function: &mut Function) -> Result<(), String> {
    let name = function.name.to_string().to_lowercase();
    if let "to_char" | "to_timestamp" | "to_date" = name.rsplit('.').next().unwrap_or_default()
        && let FunctionArguments::List(arguments) = &mut function.args
        && let [
            _,
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(ValueWithSpan {
                value: Value::SingleQuotedString(format),
                ..
            }))),
        ] = arguments.args.as_mut_slice()
        && !format.contains('%')
    {
        let ours = time_format(format).ok_or_else(|| format!("{name} knows times here, by {}, and not {format:?}", known()))?;
        // Of what is read, as many digits as there are.
        *format = if name.ends_with("to_char") { ours } else { ours.replace("%.6f", "%.f").replace("%.3f", "%.f") };
    }
    Ok(())
}

fn modulo(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(arguments) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(left)), FunctionArg::Unnamed(FunctionArgExpr::Expr(right))] =
        arguments.args.as_slice()
    else {
        return None;
    };
    let nested = |expr: &Expr| Box::new(Expr::Nested(Box::new(expr.clone())));
    let modulo = Expr::BinaryOp { left: nested(left), op: BinaryOperator::Modulo, right: nested(right) };
    Some(Expr::Nested(Box::new(modulo)))
}

/// A function of these arguments.
pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let args = arguments.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    let args = FunctionArgumentList { duplicate_treatment: None, args, clauses: vec![] };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(args),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

#[cfg(test)]
mod tests {
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
            ("SELECT to_char(a, 'YYYY-\"Q\"Q'), to_char(a, '%Y')", "SELECT to_char(a, '%Y-Q%q'), to_char(a, '%Y')"),
            (
                "SELECT a FROM t WHERE a > ALL (SELECT a FROM t)",
                "SELECT a FROM t WHERE a > ALL(SELECT value FROM (SELECT a FROM t) AS quantified (value))",
            ),
            (
                "SELECT a::varchar(7), a::varchar, CAST(a AS char(2))",
                "SELECT left(a::TEXT, 7), a::VARCHAR, left(CAST(a AS TEXT), 2)",
            ),
            ("SELECT extract(second FROM a)", "SELECT (date_part('microsecond', a) / 1000000.0)"),
            (
                "SELECT string_agg(DISTINCT a, ',' ORDER BY a DESC), array_agg(DISTINCT a ORDER BY a), string_agg(DISTINCT a, ',')",
                "SELECT array_to_string(array_sort(array_agg(DISTINCT a), 'DESC', 'NULLS FIRST'), ','), \
                 array_sort(array_agg(DISTINCT a), 'ASC', 'NULLS LAST'), string_agg(DISTINCT a, ',')",
            ),
            ("SELECT avg(a), avg(a * 1.0)", "SELECT avg(a), avg(precise(a * 1.0))"),
            ("SELECT a::int, $1::int, a::text", "SELECT integral(a)::INT, $1::INT, a::TEXT"),
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
