//! The KPIs of the catalogue, planned once per process, per fact table.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::RecordBatch;
use tidemark_schemas::{
    fact::{Fact, Scalar, to_record_batch},
    kpi::{self, Catalogue, Measure},
    table::FactTable,
};

use super::CellKey;
use crate::{Error, change::FactChange};

/// Every KPI, ready to be measured.
pub struct Measures {
    by_table: BTreeMap<FactTable, Vec<KpiMeasure>>,
}

/// One KPI, ready to be measured.
#[derive(Clone)]
struct KpiMeasure {
    name: Arc<str>,
    measure: Measure,
}

/// What one fact, as it was or is, does to one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Position of the event that changed the fact.
    pub position: i64,
    /// The cell.
    pub cell: CellKey,
    /// −1 for the fact as it was, +1 as it is.
    pub sign: i64,
    /// What it adds to the additive slots, in their order, millionths.
    pub sums: Vec<i128>,
    /// What it puts into the multisets: slot and value.
    pub values: Vec<(u8, Scalar)>,
}

/// A fact on which a KPI's expressions fail, or give more than a cell can hold: it contributes nothing to that KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Position of the event that changed the fact.
    pub position: i64,
    /// The KPI and the fact.
    pub subject: String,
    /// What DataFusion says, or what is too much.
    pub reason: String,
    /// −1 for the fact as it was, +1 as it is.
    pub sign: i64,
}

/// What a batch of changes does.
#[derive(Debug, Default)]
pub struct Measured {
    /// In the order of the changes, per KPI.
    pub contributions: Vec<Contribution>,
    /// In the order of the changes, per KPI.
    pub failures: Vec<Failure>,
}

/// A fact as it was or is.
#[derive(Clone, Copy)]
struct SignedFact<'a> {
    position: i64,
    sign: i64,
    fact: &'a Fact,
}

impl Measures {
    /// Plans every KPI of the catalogue.
    ///
    /// # Errors
    /// A KPI that cannot be planned.
    pub fn plan(catalogue: &Catalogue) -> Result<Self, Error> {
        let mut by_table: BTreeMap<FactTable, Vec<KpiMeasure>> = BTreeMap::new();
        for definition in catalogue.iter() {
            let measure = Measure::plan(Arc::clone(definition))
                .map_err(|error| Error::Invalid(format!("KPI {}: {}", definition.name, error.strip_backtrace())))?;
            let name = definition.name.as_str().into();
            by_table.entry(definition.from).or_default().push(KpiMeasure { name, measure });
        }
        Ok(Self { by_table })
    }

    /// Some of the KPIs.
    #[must_use]
    pub fn only(&self, kpis: &[String]) -> Self {
        let some = |measures: &Vec<KpiMeasure>| -> Vec<KpiMeasure> {
            measures.iter().filter(|measure| kpis.iter().any(|kpi| **kpi == *measure.name)).cloned().collect()
        };
        Self { by_table: self.by_table.iter().map(|(table, measures)| (*table, some(measures))).collect() }
    }

    /// Measures changes of one tenant or several; the order within a KPI is that of the changes.
    ///
    /// # Errors
    /// Facts that do not fit their table, which is a bug.
    pub fn measure(&self, changes: &[FactChange]) -> Result<Measured, Error> {
        let mut measured = Measured::default();
        for (table, measures) in &self.by_table {
            let facts: Vec<SignedFact<'_>> =
                changes.iter().filter(|change| change.table() == Some(*table)).flat_map(signed).collect();
            if facts.is_empty() {
                continue;
            }
            let batch = to_record_batch(*table, facts.iter().map(|signed| signed.fact))?;
            for measure in measures {
                measure.measure(&batch, &facts, &mut measured);
            }
        }
        Ok(measured)
    }
}

fn signed(change: &FactChange) -> impl Iterator<Item = SignedFact<'_>> {
    let with = |sign| move |fact| SignedFact { position: change.position, sign, fact };
    change.old.as_deref().map(with(-1)).into_iter().chain(change.new.as_deref().map(with(1)))
}

impl KpiMeasure {
    fn measure(&self, batch: &RecordBatch, facts: &[SignedFact<'_>], measured: &mut Measured) {
        self.measure.measure(batch, facts.iter().map(|signed| signed.fact), |row, contribution| {
            let SignedFact { position, sign, fact } = facts[row];
            match contribution {
                Ok(kpi::Contribution { day, rep_id, dims, currency, sums, values }) => {
                    let cell = CellKey { kpi: self.name.clone(), day, rep_id, dims, currency };
                    measured.contributions.push(Contribution { position, cell, sign, sums, values });
                }
                Err(reason) => {
                    let subject = format!("{}:{}/{}", self.name, fact.table.name(), fact.key());
                    measured.failures.push(Failure { position, subject, reason, sign });
                }
            }
        });
    }
}
