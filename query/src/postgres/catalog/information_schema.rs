//! `information_schema` as the standard has it, with the names of PostgreSQL's types.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, FieldRef, Schema},
};
use datafusion::{
    catalog::{MemorySchemaProvider, SchemaProvider},
    datasource::MemTable,
    error::Result,
};

use super::{Table, type_names};
use crate::session::{CATALOG, SCHEMA};

/// Tables of this schema that have no rows here: there are no keys, no views on views and no routines.
const EMPTY: [(&str, &[&str]); 7] = [
    (
        "table_constraints",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "constraint_type",
        ],
    ),
    (
        "key_column_usage",
        &[
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "ordinal_position",
        ],
    ),
    (
        "referential_constraints",
        &["constraint_catalog", "constraint_schema", "constraint_name", "unique_constraint_schema", "unique_constraint_name"],
    ),
    (
        "constraint_column_usage",
        &[
            "table_catalog",
            "table_schema",
            "table_name",
            "column_name",
            "constraint_catalog",
            "constraint_schema",
            "constraint_name",
        ],
    ),
    (
        "routines",
        &[
            "specific_catalog",
            "specific_schema",
            "specific_name",
            "routine_catalog",
            "routine_schema",
            "routine_name",
            "routine_type",
        ],
    ),
    ("character_sets", &["character_set_catalog", "character_set_schema", "character_set_name"]),
    ("views", &["table_catalog", "table_schema", "table_name", "view_definition", "check_option", "is_updatable"]),
];

/// The schema over a tenant's tables.
///
/// # Errors
/// What DataFusion says.
pub(super) fn of(tables: &[Table]) -> Result<Arc<dyn SchemaProvider>> {
    let schema = MemorySchemaProvider::new();
    let add = |name: &str, columns: Vec<Column>| -> Result<()> {
        let fields: Vec<Field> =
            columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
        let fields = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&fields), columns.into_iter().map(|(_, values)| values).collect())?;
        schema.register_table(name.to_owned(), Arc::new(MemTable::try_new(fields, vec![vec![batch]])?))?;
        Ok(())
    };
    add("schemata", schemata())?;
    add("tables", of_tables(tables))?;
    add("columns", of_columns(tables))?;
    for (name, columns) in EMPTY {
        add(name, columns.iter().map(|column| texts(column, std::iter::empty())).collect())?;
    }
    Ok(Arc::new(schema))
}

type Column = (&'static str, ArrayRef);

fn texts(name: &'static str, values: impl Iterator<Item = Option<String>>) -> Column {
    (name, Arc::new(values.collect::<StringArray>()))
}

fn numbers(name: &'static str, values: impl Iterator<Item = Option<i32>>) -> Column {
    (name, Arc::new(values.collect::<Int32Array>()))
}

fn schemata() -> Vec<Column> {
    let names = [SCHEMA, "pg_catalog", "information_schema"];
    let same = |name, value: &'static str| texts(name, names.iter().map(|_| Some(value.to_owned())));
    vec![
        same("catalog_name", CATALOG),
        texts("schema_name", names.iter().map(|name| Some((*name).to_owned()))),
        same("schema_owner", CATALOG),
    ]
}

fn of_tables(tables: &[Table]) -> Vec<Column> {
    let same = |name, value: &'static str| texts(name, tables.iter().map(|_| Some(value.to_owned())));
    vec![
        same("table_catalog", CATALOG),
        same("table_schema", SCHEMA),
        texts("table_name", tables.iter().map(|table| Some(table.name.clone()))),
        same("table_type", "VIEW"),
        same("is_insertable_into", "NO"),
        same("is_typed", "NO"),
    ]
}

fn of_columns(tables: &[Table]) -> Vec<Column> {
    let all: Vec<(&Table, i32, &FieldRef)> = tables
        .iter()
        .flat_map(|table| (1..).zip(table.columns.fields()).map(move |(place, field)| (table, place, field)))
        .collect();
    let same = |name, value: &'static str| texts(name, all.iter().map(|_| Some(value.to_owned())));
    let none = |name| texts(name, all.iter().map(|_| None));
    let of_type =
        |name, of: fn(&DataType) -> Option<i32>| numbers(name, all.iter().map(move |(_, _, field)| of(field.data_type())));
    vec![
        same("table_catalog", CATALOG),
        same("table_schema", SCHEMA),
        texts("table_name", all.iter().map(|(table, ..)| Some(table.name.clone()))),
        texts("column_name", all.iter().map(|(_, _, field)| Some(field.name().clone()))),
        numbers("ordinal_position", all.iter().map(|(_, place, _)| Some(*place))),
        none("column_default"),
        texts("is_nullable", all.iter().map(|(_, _, field)| Some(if field.is_nullable() { "YES" } else { "NO" }.to_owned()))),
        texts("data_type", all.iter().map(|(_, _, field)| Some(type_names(field.data_type()).0.to_owned()))),
        numbers("character_maximum_length", all.iter().map(|_| None)),
        numbers("character_octet_length", all.iter().map(|_| None)),
        of_type("numeric_precision", precision),
        of_type("numeric_precision_radix", |data_type| precision(data_type).map(|_| 10)),
        of_type("numeric_scale", |data_type| match data_type {
            DataType::Decimal128(_, scale) => Some((*scale).into()),
            DataType::Int64 | DataType::Int32 | DataType::Int16 => Some(0),
            _ => None,
        }),
        of_type("datetime_precision", |data_type| matches!(data_type, DataType::Timestamp(..)).then_some(6)),
        none("collation_name"),
        same("udt_catalog", CATALOG),
        same("udt_schema", "pg_catalog"),
        texts("udt_name", all.iter().map(|(_, _, field)| Some(type_names(field.data_type()).1.to_owned()))),
        same("is_identity", "NO"),
        none("identity_generation"),
        same("is_generated", "NEVER"),
        none("generation_expression"),
        same("is_updatable", "NO"),
    ]
}

fn precision(data_type: &DataType) -> Option<i32> {
    match data_type {
        DataType::Decimal128(precision, _) => Some((*precision).into()),
        DataType::Int64 => Some(64),
        DataType::Int32 => Some(32),
        DataType::Int16 => Some(16),
        _ => None,
    }
}
