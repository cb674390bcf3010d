//! From a text to a plan that only reads.

use std::sync::Arc;

use arrow::datatypes::Field;
use datafusion::{
    common::tree_node::{Transformed, TransformedResult, TreeNode},
    error::DataFusionError,
    execution::{SessionState, context::SQLOptions},
    logical_expr::{Expr, LogicalPlan, expr::Placeholder},
    sql::{
        parser::Statement,
        sqlparser::{
            ast,
            dialect::PostgreSqlDialect,
            parser::ParserError,
            tokenizer::{Token, Tokenizer},
        },
    },
};

use super::meaning::meant;
use crate::Error;

/// Refuses what would take too long to plan: planning cannot be interrupted.
///
/// # Errors
/// Too many tokens; a text that has none.
pub(crate) fn check_length(sql: &str, tokens_max: usize) -> Result<(), Error> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize();
    let tokens = tokens.map_err(|error| DataFusionError::from(ParserError::from(error)))?;
    let words = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if words > tokens_max { Err(Error::TooManyTokens(tokens_max)) } else { Ok(()) }
}

/// Plans exactly one SELECT, VALUES or the like.
///
/// # Errors
/// A text that is no SQL, several statements, or one that is no question.
pub(crate) async fn plan(session: &SessionState, sql: &str) -> Result<LogicalPlan, DataFusionError> {
    plan_statement(session, session.sql_to_statement(sql, &session.config_options().sql_parser.dialect)?).await
}

/// Plans a statement that is parsed already.
///
/// # Errors
/// One that is no question.
pub(crate) async fn plan_statement(session: &SessionState, statement: Statement) -> Result<LogicalPlan, DataFusionError> {
    match &statement {
        Statement::Statement(inner) if matches!(inner.as_ref(), ast::Statement::Query(_)) => {}
        _ => return Err(DataFusionError::Plan("only a question is answered here: SELECT …, or WITH … SELECT …".to_owned())),
    }
    let plan = session.statement_to_plan(meant(statement)?).await?;
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(&plan)?;
    without_comments(plan)
}

/// One value may stand for columns that mean different things: its place has the type of a column, not its comment.
fn without_comments(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let uncommented = |expr| match expr {
        Expr::Placeholder(Placeholder { id, field: Some(field) }) => {
            let field = Arc::new(Field::new(field.name(), field.data_type().clone(), field.is_nullable()));
            Ok(Transformed::yes(Expr::Placeholder(Placeholder::new_with_field(id, Some(field)))))
        }
        other => Ok(Transformed::no(other)),
    };
    plan.transform_up_with_subqueries(|plan| plan.map_expressions(|expr| expr.transform_up(uncommented))).data()
}
