//! `kpis`: what there is to ask for at `/v1/kpis/{name}`.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use datafusion::{
    datasource::{MemTable, TableProvider},
    error::Result,
};
use tidemark_schemas::kpi::{Catalogue, KpiDefinition};

/// Its name.
pub(super) const NAME: &str = "kpis";

/// A column: its name, and its text for a KPI.
type Text = (&'static str, fn(&KpiDefinition) -> Option<String>);

const COLUMNS: [Text; 11] = [
    ("name", |kpi| Some(kpi.name.clone())),
    ("title_en", |kpi| Some(kpi.title.en.clone())),
    ("title_zh", |kpi| Some(kpi.title.zh.clone())),
    ("about", |kpi| Some(kpi.about.clone())),
    ("unit", |kpi| Some(format!("{:?}", kpi.unit).to_lowercase())),
    ("better", |kpi| Some(format!("{:?}", kpi.better).to_lowercase())),
    ("fact_table", |kpi| Some(kpi.from.name().to_owned())),
    ("filter", |kpi| kpi.filter_sql.clone()),
    ("day", |kpi| Some(kpi.day.clone())),
    ("dims", |kpi| Some(kpi.dims.join(","))),
    ("value", |kpi| Some(kpi.value_sql.clone())),
];

/// The table.
///
/// # Errors
/// What DataFusion says.
pub(super) fn table(catalogue: &Catalogue) -> Result<Arc<dyn TableProvider>> {
    let fields: Vec<Field> = COLUMNS.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let texts = |text: &fn(&KpiDefinition) -> Option<String>| catalogue.iter().map(|kpi| text(kpi)).collect::<StringArray>();
    let columns = COLUMNS.iter().map(|(_, text)| Arc::new(texts(text)) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}
