//! A table as it is in ClickHouse, with every tenant's rows. Nobody is given one: `view` narrows it down, and
//! `access` checks that it did.

use std::{any::Any, sync::Arc};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use clickhouse::Client;
use datafusion::{
    catalog::Session,
    datasource::{TableProvider, TableType},
    error::{DataFusionError, Result},
    logical_expr::{Expr, TableProviderFilterPushDown},
    physical_plan::ExecutionPlan,
};

use crate::clickhouse::{ClickHouseExec, Statement, Translator};

/// A table in ClickHouse.
pub(crate) struct ClickHouseTable {
    name: &'static str,
    columns: SchemaRef,
    client: Client,
}

impl std::fmt::Debug for ClickHouseTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClickHouseTable({})", self.name)
    }
}

impl ClickHouseTable {
    /// The table of that name, with those columns of it that may be read.
    pub(crate) fn new(name: &'static str, columns: SchemaRef, client: Client) -> Self {
        Self { name, columns, client }
    }

    /// The provider as one of these, if it is.
    pub(crate) fn of(provider: &dyn TableProvider) -> Option<&Self> {
        (provider as &dyn Any).downcast_ref()
    }

    /// Its name in ClickHouse.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> &SchemaRef {
        &self.columns
    }

    fn statement(&self, projection: Option<&[usize]>, filters: &[Expr], limit: Option<usize>) -> Result<Statement> {
        let mut translator = Translator::default();
        let relation = translator.scan(self, projection, filters, limit);
        let relation = relation.map_err(|unsupported| DataFusionError::Internal(format!("{}: {unsupported}", self.name)))?;
        Ok(translator.finish(relation))
    }
}

#[async_trait]
impl TableProvider for ClickHouseTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let supports = filters.iter().map(|filter| match self.statement(Some(&[]), &[(*filter).clone()], None) {
            Ok(_) => TableProviderFilterPushDown::Exact,
            Err(_) => TableProviderFilterPushDown::Unsupported,
        });
        Ok(supports.collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let statement = self.statement(projection.map(Vec::as_slice), filters, limit)?;
        let schema = match projection {
            Some(projection) => Arc::new(self.columns.project(projection)?),
            None => Arc::clone(&self.columns),
        };
        Ok(Arc::new(ClickHouseExec::new(self.client.clone(), statement, schema)))
    }
}
