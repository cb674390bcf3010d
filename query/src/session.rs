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
use tidemark_schemas::{kpi::Catalogue, tenant::Access};

use crate::{
    Error,
    access::{Restriction, check},
    clickhouse::federate,
    history::Past,
    kpis::Scope,
    service::Service,
    sql,
    tables::{self, Numbers},
    trust::{Generation, LiveStamp, Stamp},
};

/// The database that clients connect to; names are whole as `tidemark.public.deals`.
pub const CATALOG: &str = "tidemark";
pub(crate) const SCHEMA: &str = "public";

/// Memory that all sessions of a process share; there are no temporary files.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn runtime(memory_bytes_max: usize) -> Result<Arc<RuntimeEnv>> {
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes_max))).build_arc()
}

/// A session of a tenant on the numbers that are live now.
///
/// # Errors
/// There are no numbers; ClickHouse; what DataFusion says.
pub(crate) async fn of(service: &Arc<Service>, access: &Access) -> Result<SessionState, Error> {
    let live = service.live.read(&service.clickhouse).await?;
    let stamp = Arc::new(LiveStamp { service: Arc::clone(service), access: access.clone() });
    on(service, access, &live, (stamp, None))
}

/// A session of a tenant on these numbers, now or as of a moment, with this stamp in its table `freshness`.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn on(
    service: &Arc<Service>,
    access: &Access,
    numbers: &Arc<Generation>,
    (stamp, as_of): (Arc<dyn Stamp>, Option<Past>),
) -> Result<SessionState, Error> {
    let mut state = open(Opening {
        clickhouse: &service.clickhouse,
        restriction: Restriction { tenant: Arc::clone(&access.tenant), generation: numbers.number },
        catalogue: &numbers.catalogue,
        stamp,
        runtime: &service.runtime,
        federation: service.config.federation,
    })?;
    let scope = scope(service, access, numbers);
    let numbers = Numbers { service: Arc::clone(service), live: Arc::clone(numbers), scope, past: as_of };
    if let Some(schema) = state.catalog_list().catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA)) {
        tables::register_kpi_values(schema.as_ref(), &numbers)?;
        if let Some(past) = &numbers.past {
            tables::register_past(schema.as_ref(), service, past)?;
        }
        tables::register_converted(schema.as_ref(), &numbers.scope.currency)?;
    }
    tables::register_functions(&mut state, &numbers);
    Ok(state)
}

/// Whose numbers a key may ask for.
pub(crate) fn scope(service: &Service, access: &Access, numbers: &Generation) -> Scope {
    let (tenant, currency) = (Arc::clone(&access.tenant), numbers.currency(access).to_owned());
    Scope { tenant, currency, partition: service.partition(access), generation: numbers.number }
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
    pub(crate) stamp: Arc<dyn Stamp>,
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
    let Opening { clickhouse, restriction, catalogue, stamp, runtime, federation } = opening;
    let schema = Arc::new(MemorySchemaProvider::new());
    tables::register(schema.as_ref(), clickhouse, (&restriction.tenant, restriction.generation), (catalogue, stamp))?;
    let catalog = Arc::new(MemoryCatalogProvider::new());
    catalog.register_schema(SCHEMA, schema)?;
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        // Columns that are brought together by a UNION keep the comment of one of them, which is no error.
        .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true)
        // An instant has a time zone, as everywhere in these tables.
        .set_str("datafusion.execution.time_zone", "UTC")
        // 0.1 is a tenth, not the double next to it.
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true)
        // Errors say where in the question.
        .set_bool("datafusion.sql_parser.collect_spans", true);
    let planner = RestrictedPlanner { restriction, clickhouse: clickhouse.clone(), federation };
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_default_features()
        .with_query_planner(Arc::new(planner))
        .build();
    // What `now()` is.
    state.mark_start_execution();
    state.catalog_list().register_catalog(CATALOG.to_owned(), catalog);
    sql::register_functions(&mut state)?;
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
