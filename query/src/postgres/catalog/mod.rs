//! PostgreSQL's own catalogue over a tenant's tables: what clients look at before they ask.

mod descriptions;
mod functions;
mod information_schema;
mod pg_catalog;

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::{catalog::CatalogProvider, error::Result, prelude::SessionContext};
use datafusion_postgres::datafusion_pg_catalog::{
    pg_catalog::context::{PgCatalogContextProvider, Role},
    setup_pg_catalog,
};

pub(super) use self::functions::Settings;
use crate::session::{CATALOG, SCHEMA};

/// The PostgreSQL whose dialect and catalogue clients may expect.
pub(super) const SERVER_VERSION: &str = "16.6";

const INFORMATION_SCHEMA: &str = "information_schema";

/// A table of the tenant: its name, its columns and what it is.
struct Table {
    name: String,
    columns: SchemaRef,
}

/// Adds `pg_catalog`, `information_schema` and PostgreSQL's functions to a session.
///
/// # Errors
/// What DataFusion says.
pub(super) async fn add(session: &SessionContext, tenant: &Arc<str>, settings: &Settings) -> Result<()> {
    // DataFusion's own information_schema has the names of Arrow's types; without it, ours is found.
    session.state_ref().write().config_mut().options_mut().catalog.information_schema = false;
    setup_pg_catalog(session, CATALOG, OneRole(Arc::clone(tenant))).map_err(|error| *error)?;
    functions::register(session, tenant, settings);
    let Some(catalog) = session.catalog(CATALOG) else { return Ok(()) };
    let tables = tables(catalog.as_ref()).await?;
    catalog.register_schema(INFORMATION_SCHEMA, information_schema::of(&tables)?)?;
    pg_catalog::complete(session, catalog.as_ref(), &tables).await
}

/// Takes them out of a session that has ended: the library's catalogue holds the list that it is in, so that neither would ever go.
pub(super) fn forget(session: &SessionContext) {
    let Some(catalog) = session.catalog(CATALOG) else { return };
    for schema in [pg_catalog::PG_CATALOG, INFORMATION_SCHEMA] {
        if let Err(error) = catalog.deregister_schema(schema, true) {
            tracing::warn!(%error, schema, "a session is not given back");
        }
    }
}

async fn tables(catalog: &dyn CatalogProvider) -> Result<Vec<Table>> {
    let Some(schema) = catalog.schema(SCHEMA) else { return Ok(vec![]) };
    let mut names = schema.table_names();
    names.sort();
    let mut tables = Vec::with_capacity(names.len());
    for name in names {
        if let Some(table) = schema.table(&name).await? {
            tables.push(Table { name, columns: table.schema() });
        }
    }
    Ok(tables)
}

/// The comment of a column or of a table.
fn comment(metadata: &HashMap<String, String>) -> Option<&str> {
    metadata.get("comment").map(String::as_str)
}

/// What PostgreSQL calls a type: its name in the standard and in its own catalogue.
fn type_names(data_type: &DataType) -> (&'static str, &'static str) {
    match data_type {
        DataType::Boolean => ("boolean", "bool"),
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => ("smallint", "int2"),
        DataType::Int32 | DataType::UInt16 => ("integer", "int4"),
        DataType::Int64 | DataType::UInt32 => ("bigint", "int8"),
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => ("numeric", "numeric"),
        DataType::Float32 => ("real", "float4"),
        DataType::Float64 => ("double precision", "float8"),
        DataType::Date32 | DataType::Date64 => ("date", "date"),
        DataType::Timestamp(_, Some(_)) => ("timestamp with time zone", "timestamptz"),
        DataType::Timestamp(_, None) => ("timestamp without time zone", "timestamp"),
        DataType::List(_) | DataType::LargeList(_) => ("ARRAY", "_text"),
        _ => ("text", "text"),
    }
}

/// The tenant is the only role that a connection can see.
#[derive(Debug, Clone)]
struct OneRole(Arc<str>);

#[async_trait::async_trait]
impl PgCatalogContextProvider for OneRole {
    async fn roles(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        (*self.0 == *name).then(|| Role {
            name: name.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: vec![],
            inherited_roles: vec![],
        })
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use super::*;

    #[tokio::test]
    async fn nothing_is_left_of_a_session_that_has_ended() {
        let session = SessionContext::new_with_config(SessionConfig::new().with_default_catalog_and_schema(CATALOG, SCHEMA));
        add(&session, &"acme".into(), &Settings::default()).await.unwrap();
        assert!(session.sql("SELECT * FROM pg_catalog.pg_class").await.is_ok());
        let list = Arc::downgrade(session.state().catalog_list());
        forget(&session);
        drop(session);
        assert!(list.upgrade().is_none());
    }
}
