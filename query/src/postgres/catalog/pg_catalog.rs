//! The library's `pg_catalog`, with what clients ask for and it does not have.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, Int32Array, RecordBatch},
    datatypes::{DataType, Field, Int16Type, Int32Type, Schema},
};
use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, SchemaProvider},
    common::exec_datafusion_err,
    datasource::{MemTable, TableProvider},
    error::Result,
    prelude::SessionContext,
};

use super::{super::fields::modifier, Table, descriptions::Descriptions, functions};

pub(super) const PG_CATALOG: &str = "pg_catalog";

/// Every table, with the columns that the library does not have.
const CLASSES: &str =
    "SELECT *, CAST(NULL AS VARCHAR[]) AS relacl, CAST(NULL AS VARCHAR[]) AS reloptions FROM pg_catalog.pg_class";

/// Tables, and a column of theirs that is a list, which the library has as a text. There is nothing in any.
const LISTS: [(&str, &str); 5] = [
    ("pg_database", "datacl"),
    ("pg_db_role_setting", "setconfig"),
    ("pg_default_acl", "defaclacl"),
    ("pg_namespace", "nspacl"),
    ("pg_proc", "proacl"),
];

/// What is about constraints and indexes, of which there are none: the library has rows of PostgreSQL's own tables there, and its
/// arrays are text.
const OF_NONE: [&str; 2] = ["pg_constraint", "pg_index"];
/// Their columns that are arrays of numbers.
const ARRAYS: [&str; 7] = ["conkey", "confkey", "conexclop", "indkey", "indclass", "indcollation", "indoption"];

/// Columns of `pg_type` that name a function.
const FUNCTIONS: [&str; 8] =
    ["typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typanalyze", "typsubscript"];

/// Puts ours before the library's tables.
///
/// # Errors
/// What DataFusion says.
pub(super) async fn complete(session: &SessionContext, catalog: &dyn CatalogProvider, of_tenant: &[Table]) -> Result<()> {
    let Some(inner) = catalog.schema(PG_CATALOG) else { return Ok(()) };
    let classes = session.sql(CLASSES).await?;
    let class_columns = Arc::new(classes.schema().as_arrow().clone());
    let classes = classes.collect().await?;
    let oids = Arc::new(oids(&classes)?);
    functions::register_to_regclass(session, &oids);
    let descriptions = Descriptions::of(of_tenant, &oids);
    descriptions.register_functions(session);
    let mut tables = HashMap::from([
        ("pg_attribute", attributes(session, of_tenant, &oids).await?),
        ("pg_class", Arc::new(MemTable::try_new(class_columns, vec![classes])?) as Arc<dyn TableProvider>),
        ("pg_description", descriptions.table()?),
        ("pg_type", types(session).await?),
        ("pg_settings", functions::settings()?),
    ]);
    for (name, list) in LISTS {
        let sql = format!("SELECT * REPLACE (CAST(NULL AS VARCHAR[]) AS {list}) FROM pg_catalog.{name}");
        tables.insert(name, session.sql(&sql).await?.into_view());
    }
    for name in OF_NONE {
        if let Some(table) = inner.table(name).await? {
            tables.insert(name, without_rows(&table.schema())?);
        }
    }
    catalog.register_schema(PG_CATALOG, Arc::new(Overlaid { inner, tables }))?;
    Ok(())
}

/// The number of each table, which the catalogue gives when it is first read and keeps.
fn oids(classes: &[RecordBatch]) -> Result<HashMap<String, i32>> {
    let mut oids = HashMap::new();
    for batch in classes {
        let names = column(batch, "relname")?.as_string::<i32>();
        let numbers = column(batch, "oid")?.as_primitive::<Int32Type>();
        oids.extend(names.iter().zip(numbers).filter_map(|(name, oid)| Some((name?.to_owned(), oid?))));
    }
    Ok(oids)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| exec_datafusion_err!("the catalogue has no column {name}"))
}

/// The library's `pg_type`, with the numbers of functions where it has their names.
async fn types(session: &SessionContext) -> Result<Arc<dyn TableProvider>> {
    let mut functions = HashMap::new();
    for batch in session.sql("SELECT proname, CAST(oid AS INT) AS oid FROM pg_catalog.pg_proc").await?.collect().await? {
        let names = column(&batch, "proname")?.as_string::<i32>();
        let numbers = column(&batch, "oid")?.as_primitive::<Int32Type>();
        functions.extend(names.iter().zip(numbers).filter_map(|(name, oid)| Some((name?.to_owned(), oid?))));
    }
    let types = session.sql("SELECT * REPLACE (CAST(NULL AS VARCHAR[]) AS typacl) FROM pg_catalog.pg_type").await?;
    let is_function = |field: &Field| FUNCTIONS.contains(&field.name().as_str()) && *field.data_type() == DataType::Utf8;
    let number = |field: &Field| Field::new(field.name(), DataType::Int32, true);
    let named = Arc::clone(types.schema().inner());
    let fields = named.fields().iter().map(|field| if is_function(field) { number(field) } else { field.as_ref().clone() });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batches = types.collect().await?.into_iter().map(|batch| {
        let columns = named.fields().iter().zip(batch.columns()).map(|(field, column)| {
            if !is_function(field) {
                return Arc::clone(column);
            }
            let numbers = column.as_string::<i32>().iter().map(|name| Some(functions.get(name?).copied().unwrap_or(0)));
            Arc::new(numbers.collect::<Int32Array>()) as ArrayRef
        });
        Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect())?)
    });
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(MemTable::try_new(schema, vec![batches])?))
}

/// The library's `pg_attribute`, with the digits of decimals.
async fn attributes(session: &SessionContext, tables: &[Table], oids: &HashMap<String, i32>) -> Result<Arc<dyn TableProvider>> {
    let mut modifiers = HashMap::new();
    for table in tables {
        let Some(oid) = oids.get(&table.name) else { continue };
        for (place, field) in (1..).zip(table.columns.fields()) {
            modifiers.extend(modifier(field.data_type()).map(|modifier| ((*oid, place), modifier)));
        }
    }
    let rows = session.sql("SELECT * REPLACE (CAST(NULL AS VARCHAR[]) AS attacl) FROM pg_catalog.pg_attribute").await?;
    let schema = Arc::new(rows.schema().as_arrow().clone());
    let batches = rows.collect().await?.into_iter().map(|batch| {
        let tables = column(&batch, "attrelid")?.as_primitive::<Int32Type>();
        let places = column(&batch, "attnum")?.as_primitive::<Int16Type>();
        let before = column(&batch, "atttypmod")?.as_primitive::<Int32Type>();
        let now = (0..batch.num_rows()).map(|row| {
            let place = (tables.value(row), i32::from(places.value(row)));
            modifiers.get(&place).copied().unwrap_or_else(|| before.value(row))
        });
        let mut columns = batch.columns().to_vec();
        columns[schema.index_of("atttypmod")?] = Arc::new(now.collect::<Int32Array>());
        Ok(RecordBatch::try_new(Arc::clone(&schema), columns)?)
    });
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(MemTable::try_new(schema, vec![batches])?))
}

fn without_rows(columns: &Schema) -> Result<Arc<dyn TableProvider>> {
    let numbers = || DataType::new_list(DataType::Int32, true);
    let typed = columns.fields().iter().map(|field| match ARRAYS.contains(&field.name().as_str()) {
        true => Field::new(field.name(), numbers(), true),
        false => field.as_ref().clone(),
    });
    let schema = Arc::new(Schema::new(typed.collect::<Vec<_>>()));
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![]])?))
}

/// The library's `pg_catalog`, some of whose tables are PostgreSQL's own and know nothing of ours.
#[derive(Debug)]
struct Overlaid {
    inner: Arc<dyn SchemaProvider>,
    tables: HashMap<&'static str, Arc<dyn TableProvider>>,
}

#[async_trait]
impl SchemaProvider for Overlaid {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.tables.get(name.to_lowercase().as_str()) {
            Some(ours) => Ok(Some(Arc::clone(ours))),
            None => self.inner.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
