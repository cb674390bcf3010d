//! What one key may ask by SQL: a session whose catalogue holds the tenant's views and nothing else, and whose planner
//! checks every plan before it runs. Every SQL door goes through here.

use std::sync::Arc;

use async_trait::async_trait;
use clickhouse::Client;
use datafusion::{
    catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, Session},
    error::Result,
    execution::{
        SessionState, SessionStateBuilder,
        context::QueryPlanner,
        memory_pool::GreedyMemoryPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    logical_expr::LogicalPlan,
    physical_plan::ExecutionPlan,
    physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner},
    prelude::SessionConfig,
};
use datafusion_federation::FederatedPlanner;
use tidemark_schemas::kpi::Catalogue;

use crate::{
    access::{Restriction, check},
    clickhouse::federate,
    tables,
    trust::Trust,
};

/// The names before the dot: `tidemark.public.deals`.
const CATALOG: &str = "tidemark";
const SCHEMA: &str = "public";

/// Memory that all sessions of a process share; there are no temporary files.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn runtime(memory_bytes_max: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes_max))).build_arc()
}

/// What a session is opened for.
pub(crate) struct Opening<'a> {
    /// Where the tables are.
    pub(crate) clickhouse: &'a Client,
    /// What may be read of them.
    pub(crate) restriction: Restriction,
    /// The table `kpis`.
    pub(crate) catalogue: &'a Catalogue,
    /// The table `freshness`.
    pub(crate) trust: &'a Trust,
    /// Shared memory.
    pub(crate) runtime: &'a Arc<RuntimeEnv>,
    /// Whether plans are pushed down into ClickHouse.
    pub(crate) federation: bool,
}

/// Opens a session.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn open(opening: Opening<'_>) -> Result<SessionState> {
    let Opening { clickhouse, restriction, catalogue, trust, runtime, federation } = opening;
    let schema = Arc::new(MemorySchemaProvider::new());
    tables::register(schema.as_ref(), clickhouse, (&restriction.tenant, restriction.generation), (catalogue, trust))?;
    let catalog = Arc::new(MemoryCatalogProvider::new());
    catalog.register_schema(SCHEMA, schema)?;
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        // Columns that are brought together by a UNION keep the comment of one of them, which is no error.
        .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true)
        // 0.1 is a tenth, not the double next to it.
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let planner = RestrictedPlanner { restriction, clickhouse: clickhouse.clone(), federation };
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_default_features()
        .with_query_planner(Arc::new(planner))
        .build();
    state.catalog_list().register_catalog(CATALOG.to_owned(), catalog);
    Ok(state)
}

/// Checks a plan, then pushes down what goes, then plans the rest. There is no other way to a running plan.
struct RestrictedPlanner {
    restriction: Restriction,
    clickhouse: Client,
    federation: bool,
}

impl std::fmt::Debug for RestrictedPlanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RestrictedPlanner({:?})", self.restriction)
    }
}

#[async_trait]
impl QueryPlanner for RestrictedPlanner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, session: &dyn Session) -> Result<Arc<dyn ExecutionPlan>> {
        check(plan, &self.restriction)?;
        let plan = if self.federation { federate(plan.clone(), &self.clickhouse)? } else { plan.clone() };
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(FederatedPlanner::new())]);
        planner.create_physical_plan(&plan, session).await
    }
}
