//! Running a plan within the bound on rows.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{execution::SessionState, logical_expr::LogicalPlan, physical_plan::execute_stream};
use futures::TryStreamExt;

use crate::Error;

/// Every row of an answer.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The columns.
    pub(crate) schema: SchemaRef,
    /// The rows.
    pub(crate) batches: Vec<RecordBatch>,
}

/// # Errors
/// What DataFusion or ClickHouse says; too many rows.
pub(crate) async fn rows(session: &SessionState, plan: &LogicalPlan, rows_max: u64) -> Result<Rows, Error> {
    let physical = session.create_physical_plan(plan).await?;
    let mut stream = execute_stream(physical, session.task_ctx())?;
    let schema = Arc::clone(&stream.schema());
    let (mut batches, mut count) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await? {
        count += batch.num_rows() as u64;
        if count > rows_max {
            return Err(Error::TooManyRows(rows_max, "rows_max"));
        }
        batches.push(batch);
    }
    Ok(Rows { schema, batches })
}
