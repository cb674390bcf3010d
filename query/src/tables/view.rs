//! What a tenant sees of a table in ClickHouse: its own rows of the live generation, without our own columns.
//! The restriction is part of the plan, as a filter that no query can name or move.

use std::sync::Arc;

use datafusion::{
    common::Column,
    datasource::{TableProvider, ViewTable, provider_as_source},
    error::Result,
    logical_expr::{Expr, LogicalPlanBuilder, lit},
};

use super::ClickHouseTable;
use crate::history::Past;

/// The column that says whose a row is.
pub(crate) const TENANT: &str = "tenant";
/// The column that says which set of numbers a row belongs to; not in every table.
pub(crate) const GENERATION: &str = "generation";

/// The view of `tenant` and `generation` on a table.
///
/// # Errors
/// What DataFusion says.
pub(super) fn of(table: &Arc<ClickHouseTable>, tenant: &str, generation: u32) -> Result<Arc<dyn TableProvider>> {
    restricted(table, tenant, generation, None)
}

/// The same of what has a position, up to that of a moment.
///
/// # Errors
/// What DataFusion says.
pub(super) fn up_to(table: &Arc<ClickHouseTable>, past: &Past) -> Result<Arc<dyn TableProvider>> {
    restricted(table, &past.tenant, past.generation, Some(past.position.offset))
}

fn restricted(
    table: &Arc<ClickHouseTable>,
    tenant: &str,
    generation: u32,
    position: Option<i64>,
) -> Result<Arc<dyn TableProvider>> {
    let column = |name: &str| Expr::Column(Column::new(Some(table.name()), name));
    let provider: Arc<dyn TableProvider> = Arc::<ClickHouseTable>::clone(table);
    let mut plan = LogicalPlanBuilder::scan(table.name(), provider_as_source(provider), None)?;
    plan = plan.filter(column(TENANT).eq(lit(tenant)))?;
    if table.columns().column_with_name(GENERATION).is_some() {
        plan = plan.filter(column(GENERATION).eq(lit(generation)))?;
    }
    if let Some(position) = position {
        plan = plan.filter(column("position").lt_eq(lit(position)))?;
    }
    let public = table.columns().fields().iter().map(|field| field.name()).filter(|name| *name != TENANT && *name != GENERATION);
    let plan = plan.project(public.map(|name| column(name)).collect::<Vec<_>>())?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
