//! One table per kind of fact, as `schemas/tables/*.sql` declares it.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use tidemark_schemas::table::FactTable;

use super::{GENERATION, TENANT};

/// The columns of a fact, and the two that restrict it; what a column means is in its metadata.
pub(super) fn columns(table: FactTable) -> SchemaRef {
    let own = [Field::new(GENERATION, DataType::UInt32, false), Field::new(TENANT, DataType::Utf8, false)];
    let fields = table.definition().columns.iter().map(|column| {
        let metadata = HashMap::from([("comment".to_owned(), column.about.clone())]);
        Field::new(column.name, column.column_type.arrow(), column.nullable).with_metadata(metadata)
    });
    let about = HashMap::from([("comment".to_owned(), table.definition().about.clone())]);
    Arc::new(Schema::new_with_metadata(own.into_iter().chain(fields).collect::<Vec<_>>(), about))
}
