//! A plan's leaf that is a statement run by ClickHouse.

use std::{fmt, sync::Arc};

use arrow::datatypes::SchemaRef;
use clickhouse::Client;
use datafusion::{
    common::tree_node::TreeNodeRecursion,
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::EquivalenceProperties,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
    },
};

use super::{Statement, executor};

/// One statement; one partition, in no promised order.
pub(crate) struct ClickHouseExec {
    client: Client,
    statement: Statement,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl ClickHouseExec {
    /// A leaf whose rows have `schema`, in the order of the statement's columns.
    pub(crate) fn new(client: Client, statement: Statement, schema: SchemaRef) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { client, statement, schema, properties: Arc::new(properties) }
    }
}

impl fmt::Debug for ClickHouseExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClickHouseExec {{ sql: {:?} }}", self.statement.sql)
    }
}

impl DisplayAs for ClickHouseExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClickHouse: {}", self.statement.sql)
    }
}

impl ExecutionPlan for ClickHouseExec {
    fn name(&self) -> &str {
        "ClickHouseExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(executor::stream(&self.client, &self.statement, &self.schema))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}
