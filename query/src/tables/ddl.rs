//! Columns read from a table's DDL, for tables that are no facts.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use tidemark_schemas::table::schema_steps;

/// The columns of a table in the order of its DDL; those whose type has no twin in Arrow are left out.
pub(super) fn columns(table: &str) -> SchemaRef {
    let created = format!("CREATE TABLE IF NOT EXISTS {table}");
    let step = schema_steps().iter().find(|step| step.sql.lines().any(|line| line == created));
    let fields: Vec<Field> = step.map(|step| step.sql.lines().filter_map(column).collect()).unwrap_or_default();
    let about = step.and_then(|step| step.sql.lines().next()?.strip_prefix("-- ")).unwrap_or_default();
    Arc::new(Schema::new_with_metadata(fields, HashMap::from([("comment".to_owned(), about.to_owned())])))
}

/// Reads `    name Type COMMENT 'text',`, the one form that columns have in our DDL.
fn column(line: &str) -> Option<Field> {
    let (name, rest) = line.strip_prefix("    ")?.split_once(' ')?;
    let (type_name, comment) = rest.split_once(" COMMENT '")?;
    let inside = |wrapper: &str| type_name.strip_prefix(wrapper).and_then(|inner| inner.strip_suffix(')'));
    let (nullable, plain) = match inside("Nullable(") {
        Some(inner) => (true, inner),
        None => (false, inside("LowCardinality(").unwrap_or(type_name)),
    };
    let data_type = match plain {
        "String" => DataType::Utf8,
        "Int64" => DataType::Int64,
        "UInt32" => DataType::UInt32,
        "DateTime64(3, 'UTC')" => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        _ => return None,
    };
    let about = comment.trim_end_matches(',').trim_end_matches('\'').replace("''", "'");
    Some(Field::new(name, data_type, nullable).with_metadata(HashMap::from([("comment".to_owned(), about)])))
}
