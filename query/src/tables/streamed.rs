//! A table whose rows we make ourselves, batch by batch, when somebody reads it.

use std::{any::Any, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion::{
    catalog::Session,
    datasource::{TableProvider, TableType},
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::Expr,
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchReceiverStreamBuilder,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use tokio::sync::mpsc::Sender;

use crate::{Error, access::Restriction};

/// Batches that are made ahead of who reads them.
const AHEAD: usize = 2;

/// Rows of one tenant and one generation.
#[async_trait]
pub(crate) trait Rows: Send + Sync + std::fmt::Debug {
    /// Sends every batch, until it is done or nobody listens any more.
    ///
    /// # Errors
    /// Whatever keeps them from being made.
    async fn send(&self, to: &Batches) -> Result<(), Error>;
}

/// Where batches go.
pub(crate) struct Batches(Sender<Result<RecordBatch>>);

impl Batches {
    /// Waits until there is room.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub(crate) async fn send(&self, batch: RecordBatch) -> Result<(), Error> {
        self.0.send(Ok(batch)).await.map_err(|_| Error::Canceled)
    }
}

/// A table of such rows.
#[derive(Debug)]
pub(crate) struct StreamedTable {
    schema: SchemaRef,
    rows: Arc<dyn Rows>,
    restriction: Restriction,
}

impl StreamedTable {
    /// The rows are those of `restriction` alone.
    pub(crate) fn new(schema: SchemaRef, rows: Arc<dyn Rows>, restriction: Restriction) -> Self {
        Self { schema, rows, restriction }
    }

    /// The provider as one of these, if it is.
    pub(crate) fn of(provider: &dyn TableProvider) -> Option<&Self> {
        (provider as &dyn Any).downcast_ref()
    }

    /// Whose rows these are.
    pub(crate) fn restriction(&self) -> &Restriction {
        &self.restriction
    }
}

#[async_trait]
impl TableProvider for StreamedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let stream = Arc::new(Stream { schema: self.schema(), rows: Arc::clone(&self.rows) });
        Ok(Arc::new(StreamingTableExec::try_new(self.schema(), vec![stream], projection, [], false, limit)?))
    }
}

#[derive(Debug)]
struct Stream {
    schema: SchemaRef,
    rows: Arc<dyn Rows>,
}

impl PartitionStream for Stream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = Arc::clone(&self.rows);
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), AHEAD);
        let batches = Batches(builder.tx());
        builder.spawn(async move { rows.send(&batches).await.map_err(|error| DataFusionError::External(Box::new(error))) });
        builder.build()
    }
}
