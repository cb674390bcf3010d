//! From a text to a plan that only reads.

use datafusion::{
    error::{DataFusionError, Result},
    execution::{SessionState, context::SQLOptions},
    logical_expr::LogicalPlan,
    sql::{parser::Statement, sqlparser::ast},
};

/// Plans exactly one SELECT, VALUES or the like.
///
/// # Errors
/// A text that is no SQL, several statements, or one that is no question.
pub(crate) async fn plan(session: &SessionState, sql: &str) -> Result<LogicalPlan> {
    let statement = session.sql_to_statement(sql, &session.config_options().sql_parser.dialect)?;
    match &statement {
        Statement::Statement(inner) if matches!(inner.as_ref(), ast::Statement::Query(_)) => {}
        _ => return Err(DataFusionError::Plan("only a question is answered here: SELECT …, or WITH … SELECT …".to_owned())),
    }
    let plan = session.statement_to_plan(statement).await?;
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(&plan)?;
    Ok(plan)
}
