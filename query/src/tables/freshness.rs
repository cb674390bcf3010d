//! `freshness`: the stamp of trust as a table of one row.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema},
};
use datafusion::{
    datasource::{MemTable, TableProvider},
    error::Result,
};

use crate::trust::Trust;

/// Its name.
pub(super) const NAME: &str = "freshness";

/// The table.
///
/// # Errors
/// What DataFusion says.
pub(super) fn table(trust: &Trust) -> Result<Arc<dyn TableProvider>> {
    let number = |value: Option<i64>| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let count = |value: u64| number(i64::try_from(value).ok());
    let text = |value: &Option<String>| Arc::new(StringArray::from(vec![value.clone()])) as ArrayRef;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("position", number(trust.position)),
        ("partition", number(Some(trust.partition.into()))),
        ("token", text(&trust.token)),
        ("written_at", text(&trust.written_at)),
        ("fresh_ms", number(trust.fresh_ms)),
        ("behind", number(trust.behind)),
        ("stale", Arc::new(BooleanArray::from(vec![trust.stale]))),
        ("stalled", text(&trust.stalled)),
        ("generation", number(Some(trust.generation.into()))),
        ("copies", number(trust.copies.map(i64::from))),
        ("incomplete", count(trust.incomplete)),
        ("findings", count(trust.findings)),
        ("dead_letters", trust.dead_letters.map_or_else(|| number(None), count)),
        ("redefined", text(&Some(trust.redefined.join(",")))),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.into_iter().map(|(_, array)| array).collect())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
