//! What PostgreSQL calls the columns of a question that does not name them itself: `count` for `count(*)`, which programs rely on.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{AccessExpr, DataType, Expr, Ident, Query, SelectItem, SetExpr, Statement, TrimWhereField};

/// What has no name at all.
const NAMELESS: &str = "?column?";

/// The columns of the answer to a statement, called as PostgreSQL calls them.
pub(super) fn renamed(columns: &SchemaRef, statement: &Statement) -> SchemaRef {
    let Some(items) = items(statement) else { return Arc::clone(columns) };
    // What a `*` stands for has names; what is before and behind it is counted from its side.
    let is_name = |item: &&SelectItem| matches!(item, SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. });
    let before = items.iter().take_while(is_name).count();
    let behind = if before == items.len() { 0 } else { items.iter().rev().take_while(is_name).count() };
    let count = columns.fields().len();
    let fields = columns.fields().iter().enumerate().map(|(place, field)| {
        let item = if place < before {
            items.get(place)
        } else {
            (count - place <= behind).then(|| &items[items.len() - (count - place)])
        };
        match item.and_then(name) {
            Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
            None => Arc::clone(field),
        }
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), columns.metadata().clone()))
}

/// What the answer to a statement consists of; of a set operation, what its first question does.
fn items(statement: &Statement) -> Option<&[SelectItem]> {
    let Statement::Query(query) = statement else { return None };
    of_query(query)
}

fn of_query(query: &Query) -> Option<&[SelectItem]> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::Select(select) => return Some(&select.projection),
            SetExpr::Query(query) => body = query.body.as_ref(),
            SetExpr::SetOperation { left, .. } => body = left.as_ref(),
            _ => return None,
        }
    }
}

/// What PostgreSQL's `FigureColname` says.
fn name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(match strength(expr) {
            Named::Strongly(name) | Named::Weakly(name) => name,
            Named::Not => NAMELESS.to_owned(),
        }),
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

/// What an expression is called that has more of a name than PostgreSQL's `?column?`, or that of its type.
pub(super) fn of_function(expr: &Expr) -> Option<String> {
    match strength(expr) {
        Named::Strongly(name) => Some(name),
        _ => None,
    }
}

/// Whether an expression is a column, whatever its type is cast to.
pub(super) fn is_of_column(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => true,
        Expr::Cast { expr: inner, .. } | Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => is_of_column(inner),
        _ => false,
    }
}

/// A name without quotes is in small letters.
fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// How much of a name an expression has: a weak one gives way to that of what is inside.
enum Named {
    Strongly(String),
    Weakly(String),
    Not,
}

fn strength(expr: &Expr) -> Named {
    let strongly = |name: &str| Named::Strongly(name.to_owned());
    match expr {
        Expr::Identifier(ident) => Named::Strongly(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map_or(Named::Not, |ident| Named::Strongly(folded(ident))),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => strength(inner),
        // `= ANY (ARRAY[…])` has become this.
        Expr::Function(function) if function.name.to_string() == "array_contains" => Named::Not,
        Expr::Function(function) => {
            let name = function.name.0.last().and_then(|part| part.as_ident());
            name.map_or(Named::Not, |name| Named::Strongly(folded(name)))
        }
        Expr::Cast { expr: inner, data_type, .. } => match strength(inner) {
            Named::Not | Named::Weakly(_) => Named::Weakly(type_name(data_type)),
            strong => strong,
        },
        Expr::TypedString(typed) => Named::Weakly(type_name(&typed.data_type)),
        Expr::Interval(_) => Named::Weakly("interval".to_owned()),
        Expr::Case { else_result, .. } => match else_result.as_deref().map_or(Named::Not, strength) {
            Named::Not | Named::Weakly(_) => Named::Weakly("case".to_owned()),
            strong => strong,
        },
        Expr::Subquery(query) => match of_query(query) {
            Some([SelectItem::UnnamedExpr(item)]) => strength(item),
            Some([SelectItem::ExprWithAlias { alias, .. }]) => Named::Strongly(folded(alias)),
            _ => Named::Not,
        },
        Expr::Exists { negated: false, .. } => strongly("exists"),
        Expr::Array(_) => strongly("array"),
        Expr::Extract { .. } => strongly("extract"),
        Expr::Ceil { .. } => strongly("ceil"),
        Expr::Floor { .. } => strongly("floor"),
        Expr::Position { .. } => strongly("position"),
        Expr::Substring { shorthand, .. } => strongly(if *shorthand { "substr" } else { "substring" }),
        Expr::CompoundFieldAccess { root, access_chain }
            if access_chain.iter().all(|at| matches!(at, AccessExpr::Subscript(_))) =>
        {
            strength(root)
        }
        Expr::Overlay { .. } => strongly("overlay"),
        Expr::AtTimeZone { .. } => strongly("timezone"),
        Expr::Trim { trim_where, .. } => strongly(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        _ => Named::Not,
    }
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::SmallInt(_) | DataType::Int2(_) => "int2".to_owned(),
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4".to_owned(),
        DataType::BigInt(_) | DataType::Int8(_) => "int8".to_owned(),
        DataType::Real | DataType::Float4 => "float4".to_owned(),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 | DataType::Float(_) => "float8".to_owned(),
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric".to_owned(),
        DataType::Boolean | DataType::Bool => "bool".to_owned(),
        DataType::Char(_) | DataType::Character(_) => "bpchar".to_owned(),
        DataType::Varchar(_) | DataType::CharacterVarying(_) => "varchar".to_owned(),
        DataType::Timestamp(_, zone) | DataType::Time(_, zone) => {
            let is_time = matches!(data_type, DataType::Time(..));
            let name = if is_time { "time" } else { "timestamp" };
            let has_zone =
                zone.to_string().to_lowercase().contains("with time zone") || zone.to_string().eq_ignore_ascii_case("tz");
            if has_zone { format!("{name}tz") } else { name.to_owned() }
        }
        other => other.to_string().to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    use super::*;

    /// The names that a question's columns get, where the planner calls them 0, 1, 2 and so on.
    fn named(sql: &str, count: usize) -> Vec<String> {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        let fields = (0..count).map(|place| Field::new(place.to_string(), DataType::Int64, true));
        let columns = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        renamed(&columns, &statement).fields().iter().map(|field| field.name().clone()).collect()
    }

    #[test]
    fn columns_are_called_as_postgresql_calls_them() {
        for (sql, names) in [
            ("SELECT count(*), a, b AS c, sum(a), sum(b)", &["count", "a", "c", "sum", "sum"][..]),
            ("SELECT 1, 'a', a + 1, -a, a IS NULL", &["?column?"; 5]),
            ("SELECT A::text, '1'::int, count(*)::bigint, (t.\"A\")::date, t.a AS B", &["a", "int4", "count", "A", "b"]),
            ("SELECT pg_catalog.Format_Type(1, 2), extract(year FROM d), trim(a)", &["format_type", "extract", "btrim"]),
            (
                "SELECT CASE WHEN a THEN 1 END, CASE WHEN a THEN 1 ELSE b END, CASE WHEN a THEN 1 ELSE 2 END",
                &["case", "b", "case"],
            ),
            ("SELECT (SELECT max(a) FROM t), (SELECT a AS b FROM t), EXISTS (SELECT 1)", &["max", "b", "exists"]),
            ("SELECT DATE '2026-01-01', now() AT TIME ZONE 'UTC', INTERVAL '1 day'", &["date", "timezone", "interval"]),
            ("SELECT now()::timestamptz, 'x'::timestamp with time zone, 'x'::timestamp", &["now", "timestamptz", "timestamp"]),
            (
                "SELECT substr(a, 1), substring(a, 1), (array_agg(a))[1], (ARRAY[1])[1:2]",
                &["substr", "substring", "array_agg", "array"],
            ),
            ("SELECT 'x'::char(2), array_contains(ARRAY[1], a)", &["bpchar", "?column?"]),
            ("SELECT count(*) FROM a UNION ALL SELECT 1", &["count"]),
            ("WITH x AS (SELECT 1) (SELECT min(a) FROM x)", &["min"]),
            ("SELECT max(a), t.*, min(a) FROM t", &["max", "1", "2", "min"]),
            ("SELECT *, count(*) OVER () FROM t", &["0", "1", "count"]),
            ("SELECT * FROM t", &["0", "1"]),
        ] {
            assert_eq!(named(sql, names.len()), names, "{sql}");
        }
    }
}
