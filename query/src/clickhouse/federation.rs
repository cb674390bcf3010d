//! Which parts of a plan run inside ClickHouse: the largest subtrees that the dialect can say exactly.

use std::sync::Arc;

use async_trait::async_trait;
use clickhouse::Client;
use datafusion::{
    catalog::Session,
    common::tree_node::{Transformed, TreeNodeRecursion},
    error::{DataFusionError, Result},
    logical_expr::{Extension, LogicalPlan, Sort},
    physical_plan::ExecutionPlan,
};
use datafusion_federation::{FederatedPlanNode, FederationPlanner};

use super::{ClickHouseExec, Translator};

/// Plans a wrapped subtree as one statement.
struct ClickHouseFederation {
    client: Client,
}

#[async_trait]
impl FederationPlanner for ClickHouseFederation {
    async fn plan_federation(&self, node: &FederatedPlanNode, _: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        let said = Translator::statement(node.plan());
        let statement = said.map_err(|unsupported| DataFusionError::Internal(format!("wrapped but {unsupported}")))?;
        let schema = Arc::clone(node.plan().schema().inner());
        Ok(Arc::new(ClickHouseExec::new(self.client.clone(), statement, schema)))
    }
}

/// Wraps the largest subtrees of an optimised plan that can run inside ClickHouse.
///
/// A sort never does, as what is above it may not rely on the order of a stream. With a LIMIT its best rows are taken
/// inside, and the few that come back are sorted again.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn federate(plan: LogicalPlan, client: &Client) -> Result<LogicalPlan> {
    let planner: Arc<dyn FederationPlanner> = Arc::new(ClickHouseFederation { client: client.clone() });
    let wrap = |node: &LogicalPlan| {
        let supported = Translator::statement(node).inspect_err(|why| tracing::trace!(%why, "stays local")).is_ok();
        supported.then(|| {
            let node = FederatedPlanNode::new(node.clone(), Arc::clone(&planner));
            LogicalPlan::Extension(Extension { node: Arc::new(node) })
        })
    };
    let wrapped = plan.transform_down_with_subqueries(|node| {
        if let LogicalPlan::Sort(Sort { expr, fetch: Some(fetch), .. }) = &node
            && let Some(best) = wrap(&node)
        {
            let sorted = Sort { expr: expr.clone(), input: Arc::new(best), fetch: Some(*fetch) };
            return Ok(Transformed::new(LogicalPlan::Sort(sorted), true, TreeNodeRecursion::Jump));
        }
        match wrap(&node) {
            Some(wrapped) if !matches!(node, LogicalPlan::Sort(_)) => {
                Ok(Transformed::new(wrapped, true, TreeNodeRecursion::Jump))
            }
            _ => Ok(Transformed::no(node)),
        }
    })?;
    Ok(wrapped.data)
}
