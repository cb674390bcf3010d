//! The tables of the SQL doors, one file per kind. Those in ClickHouse are views of one tenant and one generation.

mod alerts;
mod arguments;
mod attainment;
mod clickhouse_table;
mod columns;
mod converted;
mod ddl;
mod dead_letters;
mod events;
mod facts;
mod freshness;
mod kpi_values;
mod kpis;
mod past_facts;
mod stocks;
mod streamed;
mod view;
mod why;

use std::sync::Arc;

use clickhouse::Client;
use datafusion::{catalog::SchemaProvider, error::Result, execution::SessionState};
use tidemark_schemas::{kpi::Catalogue, table::FactTable};

pub(crate) use clickhouse_table::ClickHouseTable;
pub(crate) use stocks::Stock;
pub(crate) use streamed::StreamedTable;
pub(crate) use view::{GENERATION, TENANT};
pub(crate) use why::Numbers;

use crate::{history::Past, service::Service, trust::Stamp};

/// The tables that do not come from ClickHouse, and hold nothing of another tenant.
pub(crate) const LOCAL: [&str; 3] = [alerts::NAME, kpis::NAME, freshness::NAME];

/// The names of the tables of KPI values, which hold nothing of another tenant either.
pub(crate) fn is_kpi_values(name: &str) -> bool {
    kpi_values::NAMES.iter().any(|(table, _)| *table == name)
}

/// Registers the tables that are made of KPI values.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register_kpi_values(schema: &dyn SchemaProvider, numbers: &Numbers) -> Result<()> {
    for (name, grain) in kpi_values::NAMES {
        schema.register_table(name.to_owned(), kpi_values::table(numbers, grain))?;
    }
    schema.register_table(attainment::NAME.to_owned(), attainment::table(numbers))?;
    Ok(())
}

/// Adds the functions that give tables.
pub(crate) fn register_functions(session: &mut SessionState, numbers: &Numbers) {
    why::register(session, numbers);
    stocks::register(session, &numbers.scope.currency);
}

/// Puts what was at a moment in the place of what is: every fact, and the events up to then.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register_past(schema: &dyn SchemaProvider, service: &Arc<Service>, past: &Past) -> Result<()> {
    for &table in FactTable::ALL {
        schema.deregister_table(table.name())?;
        schema.register_table(table.name().to_owned(), past_facts::table(service, past, table)?)?;
    }
    let raw = Arc::new(ClickHouseTable::new(events::NAME, events::columns(), service.clickhouse.clone()));
    schema.deregister_table(events::NAME)?;
    schema.register_table(events::NAME.to_owned(), view::up_to(&raw, past)?)?;
    Ok(())
}

/// Registers the facts with their money in the company's currency.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register_converted(schema: &dyn SchemaProvider, currency: &str) -> Result<()> {
    converted::register(schema, currency)
}

/// Registers every other table, as one tenant sees it.
///
/// # Errors
/// What DataFusion says.
pub(crate) fn register(
    schema: &dyn SchemaProvider,
    clickhouse: &Client,
    (tenant, generation): (&str, u32),
    (catalogue, stamp): (&Catalogue, Arc<dyn Stamp>),
) -> Result<()> {
    for &table in FactTable::ALL {
        let raw = Arc::new(ClickHouseTable::new(table.name(), facts::columns(table), clickhouse.clone()));
        schema.register_table(table.name().to_owned(), view::of(&raw, tenant, generation)?)?;
    }
    for (name, columns) in [(events::NAME, events::columns()), (dead_letters::NAME, dead_letters::columns())] {
        let raw = Arc::new(ClickHouseTable::new(name, columns, clickhouse.clone()));
        schema.register_table(name.to_owned(), view::of(&raw, tenant, generation)?)?;
    }
    schema.register_table(alerts::NAME.to_owned(), alerts::table()?)?;
    schema.register_table(kpis::NAME.to_owned(), kpis::table(catalogue)?)?;
    schema.register_table(freshness::NAME.to_owned(), freshness::table(stamp)?)?;
    Ok(())
}
