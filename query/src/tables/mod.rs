//! The tables of the SQL doors, one file per kind. Those in ClickHouse are views of one tenant and one generation.

mod clickhouse_table;
mod ddl;
mod dead_letters;
mod events;
mod facts;
mod freshness;
mod kpis;
mod view;

use std::sync::Arc;

use clickhouse::Client;
use datafusion::{catalog::SchemaProvider, error::Result};
use tidemark_schemas::{kpi::Catalogue, table::FactTable};

pub(crate) use clickhouse_table::ClickHouseTable;
pub(crate) use view::{GENERATION, TENANT};

use crate::trust::Trust;

/// The tables that do not come from ClickHouse, and hold nothing of another tenant.
pub(crate) const LOCAL: [&str; 2] = [kpis::NAME, freshness::NAME];

/// Registers every table, as one tenant sees it.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register(
    schema: &dyn SchemaProvider,
    clickhouse: &Client,
    (tenant, generation): (&str, u32),
    (catalogue, trust): (&Catalogue, &Trust),
) -> Result<()> {
    for &table in FactTable::ALL {
        let raw = Arc::new(ClickHouseTable::new(table.name(), facts::columns(table), clickhouse.clone()));
        schema.register_table(table.name().to_owned(), view::of(&raw, tenant, generation)?)?;
    }
    for (name, columns) in [(events::NAME, events::columns()), (dead_letters::NAME, dead_letters::columns())] {
        let raw = Arc::new(ClickHouseTable::new(name, columns, clickhouse.clone()));
        schema.register_table(name.to_owned(), view::of(&raw, tenant, generation)?)?;
    }
    schema.register_table(kpis::NAME.to_owned(), kpis::table(catalogue)?)?;
    schema.register_table(freshness::NAME.to_owned(), freshness::table(trust)?)?;
    Ok(())
}
