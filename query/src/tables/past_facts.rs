//! A fact table as it was at a moment.

use std::sync::Arc;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use async_trait::async_trait;
use datafusion::{datasource::TableProvider, error::Result};
use tidemark_schemas::{fact::to_record_batch, table::FactTable};

use super::{
    GENERATION, TENANT, facts,
    streamed::{Batches, Rows, StreamedTable},
};
use crate::{
    Error,
    access::Restriction,
    history::{Facts, Past, Wanted},
    service::Service,
};

/// The table with every fact that there was.
///
/// # Errors
/// What Arrow says.
pub(super) fn table(service: &Arc<Service>, past: &Past, table: FactTable) -> Result<Arc<dyn TableProvider>> {
    let columns = facts::columns(table);
    let public =
        (0..columns.fields().len()).filter(|place| ![TENANT, GENERATION].contains(&columns.field(*place).name().as_str()));
    let schema = Arc::new(columns.project(&public.collect::<Vec<_>>())?);
    let rows = PastFacts { service: Arc::clone(service), past: past.clone(), table, schema: Arc::clone(&schema) };
    let restriction = Restriction { tenant: Arc::clone(&past.tenant), generation: past.generation };
    Ok(Arc::new(StreamedTable::new(schema, Arc::new(rows), restriction)))
}

struct PastFacts {
    service: Arc<Service>,
    past: Past,
    table: FactTable,
    schema: SchemaRef,
}

impl std::fmt::Debug for PastFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PastFacts({} at {})", self.table.name(), self.past.position)
    }
}

#[async_trait]
impl Rows for PastFacts {
    async fn send(&self, to: &Batches) -> Result<(), Error> {
        let broken = |error: arrow::error::ArrowError| Error::Unexpected(error.to_string());
        let mut facts = Facts::read(&self.service, &self.past, &Wanted::all(self.table))?;
        loop {
            let some = facts.next().await?;
            if some.is_empty() {
                return Ok(());
            }
            let batch = to_record_batch(self.table, some.iter()).map_err(broken)?;
            to.send(RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec()).map_err(broken)?).await?;
        }
    }
}
