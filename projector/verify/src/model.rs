//! The model: everything that follows from a tenant's log.

use std::collections::BTreeMap;

use tidemark_schemas::{events::Event, fact::Fact, kpi::KpiDefinition, pipeline::StagePipeline, tenant::Tenant};

use crate::{
    admission::{LogRecord, Verdict, admit},
    cells::{CellKey, Cells},
    company::Company,
    error::VerifyError,
    facts,
    measures::Measures,
    values::{self, Money},
};

/// What a log leads to.
#[derive(Debug, Clone)]
pub struct Model {
    /// A verdict per record, in the order of the log.
    pub verdicts: Vec<Verdict>,
    /// The events that count, in fold order, each with when it was entered.
    pub live: Vec<Event>,
    /// The facts of every table, sorted by table and then by value.
    pub facts: Vec<Fact>,
    /// The cells of every KPI.
    pub cells: Cells,
    currency: String,
}

impl Model {
    /// Folds a tenant's log, which is in the order of positions.
    ///
    /// # Errors
    /// Only what is this program's fault; see [`VerifyError`].
    pub fn fold(log: &[LogRecord], tenant: &Tenant, stages: &StagePipeline, measures: &Measures) -> Result<Self, VerifyError> {
        let (verdicts, live) = admit(log);
        let company = Company::new(&live, tenant, stages);
        let mut facts = facts::all(&company);
        facts.sort();
        let cells = measures.cells(&facts)?;
        let live = company.live.into_iter().cloned().collect();
        Ok(Self { verdicts, live, facts, cells, currency: tenant.currency.clone() })
    }

    /// A KPI's values over groups of its cells, as decimal texts in the tenant's currency; `None` is NULL.
    pub fn values<G: Ord>(&self, kpi: &KpiDefinition, group: impl Fn(&CellKey) -> G) -> BTreeMap<G, Option<String>> {
        values::values(kpi, &self.cells, &Money::new(&self.facts, &self.currency), group)
    }
}
