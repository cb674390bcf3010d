//! `freshness`: the stamp of trust as a table of one row.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema, SchemaRef},
};
use async_trait::async_trait;
use datafusion::{
    catalog::Session,
    datasource::{MemTable, TableProvider, TableType},
    error::{DataFusionError, Result},
    logical_expr::Expr,
    physical_plan::ExecutionPlan,
};

use crate::trust::{Stamp, Trust};

/// Its name.
pub(super) const NAME: &str = "freshness";

/// The table.
///
/// # Errors
/// What DataFusion says.
pub(super) fn table(stamp: Arc<dyn Stamp>) -> Result<Arc<dyn TableProvider>> {
    let schema = row(&Trust::default())?.schema();
    Ok(Arc::new(Freshness { schema, stamp }))
}

/// Its row is made when it is read, as a session may be older than an answer.
struct Freshness {
    schema: SchemaRef,
    stamp: Arc<dyn Stamp>,
}

impl std::fmt::Debug for Freshness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Freshness")
    }
}

#[async_trait]
impl TableProvider for Freshness {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let trust = self.stamp.now().await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        MemTable::try_new(self.schema(), vec![vec![row(&trust)?]])?.scan(session, projection, filters, limit).await
    }
}

fn row(trust: &Trust) -> Result<RecordBatch> {
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
    Ok(RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect())?)
}
