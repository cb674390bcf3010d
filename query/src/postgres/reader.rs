//! Statements out of a text. What clients ask of the catalogue the library rewrites into what DataFusion can answer, with a NULL for what
//! it cannot: a subquery among the columns is its first row, or nothing. For questions of a company's numbers that would be a wrong one,
//! so of the library's rules they get those alone that change no answer.

use std::{collections::HashSet, ops::ControlFlow, sync::Arc};

use datafusion::sql::sqlparser::{
    ast::{
        Array, ArrayElemTypeDef, BinaryOperator, DataType, Expr, Query, Statement, TableFactor, Value, ValueWithSpan, Visit,
        VisitMut, Visitor, VisitorMut,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};
use datafusion_postgres::{
    datafusion_pg_catalog::sql::{
        PostgresCompatibilityParser,
        rules::{
            AliasDuplicatedProjectionRewrite, CurrentUserVariableToSessionUserFunctionCall, FixVersionColumnName,
            RewriteArrayAnyAllOperation, SqlStatementRewriteRule, StripCallableQualifier, StripCollate,
        },
    },
    pgwire::error::{PgWireError, PgWireResult},
};

use super::parameters::texts_of_array;

/// Reads texts.
#[derive(Debug)]
pub(super) struct Reader {
    of_catalog: PostgresCompatibilityParser,
    rules: Vec<Arc<dyn SqlStatementRewriteRule>>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            of_catalog: PostgresCompatibilityParser::new(),
            rules: vec![
                Arc::new(AliasDuplicatedProjectionRewrite),
                Arc::new(RewriteArrayAnyAllOperation),
                Arc::new(StripCallableQualifier),
                Arc::new(CurrentUserVariableToSessionUserFunctionCall),
                Arc::new(StripCollate),
                Arc::new(FixVersionColumnName),
            ],
        }
    }
}

impl Reader {
    /// The statements of a text, as the planner may have them.
    ///
    /// # Errors
    /// A text that is no SQL.
    pub(super) fn statements(&self, sql: &str) -> PgWireResult<Vec<Statement>> {
        let of_catalog = |sql: &str| self.of_catalog.parse(sql).map_err(|error| PgWireError::ApiError(Box::new(error)));
        let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, sql) else { return of_catalog(sql) };
        if let [only] = statements.as_slice()
            && is_of_catalog(only)
        {
            return of_catalog(sql);
        }
        let mut read = Vec::with_capacity(statements.len());
        for mut statement in statements {
            if is_of_catalog(&statement) {
                read.extend(of_catalog(&statement.to_string())?);
            } else {
                let _goes_on: ControlFlow<()> = VisitMut::visit(&mut statement, &mut Arrays);
                read.push(self.rules.iter().fold(statement, |statement, rule| rule.rewrite(statement)));
            }
        }
        Ok(read)
    }
}

/// Whether a statement reads what describes the tables and no table, or nothing at all.
fn is_of_catalog(statement: &Statement) -> bool {
    let mut reads = Reads::default();
    let _goes_on: ControlFlow<()> = statement.visit(&mut reads);
    let parts = reads.parts;
    let (describing, others): (Vec<&String>, Vec<&String>) = reads
        .tables
        .iter()
        .filter(|name| !parts.contains(*name))
        .partition(|name| name.starts_with("pg_") || name.contains("pg_catalog.") || name.contains("information_schema."));
    others.is_empty() && (!describing.is_empty() || !reads.makes_rows)
}

/// What a statement reads.
#[derive(Default)]
struct Reads {
    tables: HashSet<String>,
    /// What it calls its own parts.
    parts: HashSet<String>,
    /// Rows that are made, of what is said in the catalogue or of anything.
    makes_rows: bool,
}

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let parts = query.with.iter().flat_map(|with| &with.cte_tables);
        self.parts.extend(parts.map(|part| part.alias.name.value.to_lowercase()));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
        match table {
            TableFactor::Table { name, args: None, .. } => {
                self.tables.insert(name.to_string().replace('"', "").to_lowercase());
            }
            _ => self.makes_rows = true,
        }
        ControlFlow::Continue(())
    }
}

/// `'{a,"b,c"}'::text[]`, and as what `= ANY` is of, with its elements; `= ANY (SELECT …)` as IN, and of a list too, which knows what a NULL among
/// them means.
struct Arrays;

impl VisitorMut for Arrays {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                if let Expr::Subquery(query) = right.as_ref() {
                    *expr = Expr::InSubquery { expr: left.clone(), subquery: query.clone(), negated: false };
                } else if let Expr::Array(Array { elem, .. }) = right.as_mut()
                    && !elem.is_empty()
                {
                    *expr = Expr::InList { expr: left.clone(), list: std::mem::take(elem), negated: false };
                } else if let Some(array) = array(right, true) {
                    **right = array;
                }
            }
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => {
                if let Expr::Subquery(query) = right.as_ref() {
                    *expr = Expr::InSubquery { expr: left.clone(), subquery: query.clone(), negated: true };
                } else if let Expr::Array(Array { elem, .. }) = right.as_mut()
                    && !elem.is_empty()
                {
                    *expr = Expr::InList { expr: left.clone(), list: std::mem::take(elem), negated: true };
                } else if let Some(array) = array(right, true) {
                    **right = array;
                }
            }
            Expr::Cast { expr: inner, data_type: DataType::Array(of), .. } => {
                let of_texts = match of {
                    ArrayElemTypeDef::AngleBracket(of)
                    | ArrayElemTypeDef::SquareBracket(of, _)
                    | ArrayElemTypeDef::Parenthesis(of) => {
                        matches!(
                            of.as_ref(),
                            DataType::Text | DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::Char(_)
                        )
                    }
                    ArrayElemTypeDef::None => false,
                };
                if let Some(array) = array(inner, of_texts) {
                    **inner = array;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The elements of a text that is an array.
fn array(text: &Expr, of_texts: bool) -> Option<Expr> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) = text else { return None };
    let elements = texts_of_array(text)?.into_iter().map(|element| {
        let value = match element {
            None => Value::Null,
            Some(text) if of_texts => Value::SingleQuotedString(text),
            Some(number) => Value::Number(number, false),
        };
        Expr::Value(value.into())
    });
    Some(Expr::Array(Array { elem: elements.collect(), named: true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Vec<String> {
        Reader::default().statements(sql).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn questions_of_numbers_stay_what_they_are() {
        for same in [
            "SELECT rep_id, (SELECT max(v.occurred_on) FROM visits AS v WHERE v.rep_id = r.rep_id) FROM reps AS r",
            "SELECT (SELECT rep_id FROM deals)",
            "SELECT (SELECT x FROM (VALUES (1), (2)) AS t (x))",
            "SELECT (SELECT max(amount) FROM deals WHERE rep_id = $1) AS a",
            "WITH d AS (SELECT * FROM deals) SELECT (SELECT rep_id FROM d)",
            "SELECT d.* FROM deals AS d JOIN visits AS v ON d.rep_id = v.rep_id WHERE duration_min > 5 ORDER BY visit_id",
        ] {
            assert_eq!(read(same), [same]);
        }
    }

    #[test]
    fn arrays_are_read() {
        for (theirs, ours) in [
            (r#"SELECT a FROM t WHERE a = ANY('{x,"y,z"}')"#, "SELECT a FROM t WHERE array_contains(ARRAY['x', 'y,z'], a)"),
            (r#"SELECT '{x,"y,z",NULL}'::TEXT[] FROM t"#, "SELECT ARRAY['x', 'y,z', NULL]::TEXT[] FROM t"),
            ("SELECT '{1,2}'::INT[] FROM t", "SELECT ARRAY[1, 2]::INT[] FROM t"),
            ("SELECT a FROM t WHERE a <> ALL(ARRAY[1, NULL])", "SELECT a FROM t WHERE a NOT IN (1, NULL)"),
            ("SELECT a FROM t WHERE a = ANY(SELECT b FROM s)", "SELECT a FROM t WHERE a IN (SELECT b FROM s)"),
            ("SELECT a FROM t WHERE a <> ALL(SELECT b FROM s)", "SELECT a FROM t WHERE a NOT IN (SELECT b FROM s)"),
        ] {
            assert_eq!(read(theirs), [ours]);
        }
    }

    #[test]
    fn the_catalogue_is_asked_as_far_as_it_goes() {
        assert!(read("SELECT (SELECT x.a FROM pg_class x WHERE x.oid = c.oid) FROM pg_catalog.pg_class c")[0].contains("NULL"));
        assert_eq!(read("SELECT 1; SELECT count(*) FROM deals").len(), 2);
    }
}
