//! The KPIs of the catalogue as physical expressions, per fact table.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::{common::DFSchema, error::DataFusionError, physical_plan::PhysicalExpr, prelude::SessionContext};
use tidemark_schemas::{
    decimal::Decimal6,
    fact::{Fact, Scalar, to_record_batch},
    kpi::{Catalogue, DIMS_MAX, KpiDefinition},
    table::FactTable,
};

use super::CellKey;
use crate::{Error, change::FactChange};

/// What one fact may add to a slot at most, millionths: 10^18 whole. An amount of an event is below 10^15, and 10^14 such
/// facts fit into the 38 digits of a cell, so that no sum can overflow, in whatever order they come.
const CONTRIBUTION_MAX: Decimal6 = Decimal6(10_i128.pow(24));

/// Every KPI, ready to be measured.
pub struct Measures {
    by_table: BTreeMap<FactTable, Vec<KpiMeasure>>,
}

/// One KPI, ready to be measured.
#[derive(Clone)]
struct KpiMeasure {
    definition: Arc<KpiDefinition>,
    name: Arc<str>,
    place: Place,
    filter: Option<Arc<dyn PhysicalExpr>>,
    contributions: Vec<Arc<dyn PhysicalExpr>>,
}

/// The columns that say which cell a fact belongs to; none where there is no such column, or the KPI has none.
#[derive(Clone)]
struct Place {
    day: Option<usize>,
    rep: Option<usize>,
    dims: [Option<usize>; DIMS_MAX],
    currency: Option<usize>,
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
        let context = SessionContext::new();
        let mut by_table: BTreeMap<FactTable, Vec<KpiMeasure>> = BTreeMap::new();
        for definition in catalogue.iter() {
            let invalid =
                |error: DataFusionError| Error::Invalid(format!("KPI {}: {}", definition.name, error.strip_backtrace()));
            let measure = KpiMeasure::plan(&context, definition.clone()).map_err(invalid)?;
            by_table.entry(definition.from).or_default().push(measure);
        }
        Ok(Self { by_table })
    }

    /// Some of the KPIs.
    #[must_use]
    pub fn only(&self, kpis: &[String]) -> Self {
        let some = |measures: &Vec<KpiMeasure>| -> Vec<KpiMeasure> {
            measures.iter().filter(|measure| kpis.contains(&measure.definition.name)).cloned().collect()
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

/// The evaluated columns of one KPI on one batch.
struct Columns {
    filter: Option<ArrayRef>,
    contributions: Vec<ArrayRef>,
}

impl KpiMeasure {
    fn plan(context: &SessionContext, definition: Arc<KpiDefinition>) -> Result<Self, DataFusionError> {
        let schema = DFSchema::try_from_qualified_schema(definition.from.name(), &definition.from.definition().arrow_schema())?;
        let filter = definition.filter.clone().map(|filter| context.create_physical_expr(filter, &schema)).transpose()?;
        let contributions = definition.slots.iter().map(|slot| context.create_physical_expr(slot.contribution()?, &schema));
        let contributions = contributions.collect::<Result<_, _>>()?;
        let (name, place) = (definition.name.as_str().into(), Place::of(&definition));
        Ok(Self { definition, name, place, filter, contributions })
    }

    fn measure(&self, batch: &RecordBatch, facts: &[SignedFact<'_>], measured: &mut Measured) {
        if let Ok(columns) = self.evaluate(batch) {
            for (row, signed) in facts.iter().enumerate() {
                self.add(&columns, row, *signed, measured);
            }
            return;
        }
        // One fact spoils the batch: find out which, by evaluating each alone.
        for (row, signed) in facts.iter().enumerate() {
            match self.evaluate(&batch.slice(row, 1)) {
                Ok(columns) => self.add(&columns, 0, *signed, measured),
                Err(error) if self.concerns(&batch.slice(row, 1)) => {
                    measured.failures.push(self.failure(*signed, error.strip_backtrace()));
                }
                Err(_) => {}
            }
        }
    }

    fn add(&self, columns: &Columns, row: usize, signed: SignedFact<'_>, measured: &mut Measured) {
        let Some(contribution) = self.contribution(columns, row, signed) else { return };
        match contribution.sums.iter().find(|sum| sum.unsigned_abs() > CONTRIBUTION_MAX.0.unsigned_abs()) {
            None => measured.contributions.push(contribution),
            Some(sum) => {
                let reason = format!("{} is more than the {CONTRIBUTION_MAX} that one fact may add", Decimal6(*sum));
                measured.failures.push(self.failure(signed, reason));
            }
        }
    }

    /// Whether a fact, alone in its batch, belongs to the KPI; also where that cannot be said.
    fn concerns(&self, fact: &RecordBatch) -> bool {
        let Some(filter) = &self.filter else { return true };
        let passes = filter.evaluate(fact).and_then(|value| value.into_array(1));
        passes.map_or(true, |passes| passes.is_valid(0) && passes.as_boolean().value(0))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<Columns, DataFusionError> {
        let rows = batch.num_rows();
        let filter = self.filter.as_ref().map(|filter| filter.evaluate(batch)?.into_array(rows)).transpose()?;
        let contributions = self.contributions.iter().map(|slot| slot.evaluate(batch)?.into_array(rows));
        Ok(Columns { filter, contributions: contributions.collect::<Result<_, _>>()? })
    }

    fn contribution(&self, columns: &Columns, row: usize, signed: SignedFact<'_>) -> Option<Contribution> {
        let passes = columns.filter.as_ref().is_none_or(|filter| filter.is_valid(row) && filter.as_boolean().value(row));
        let cell = if passes { self.cell(signed.fact)? } else { return None };
        let (mut sums, mut values) = (Vec::new(), Vec::new());
        for (index, (slot, column)) in self.definition.slots.iter().zip(&columns.contributions).enumerate() {
            if slot.kind.is_additive() {
                sums.push(column.as_primitive::<arrow::datatypes::Decimal128Type>().value(row));
            } else if column.is_valid(row) {
                values.push((index as u8, multiset_value(column, row, slot.kind.is_text())));
            }
        }
        Some(Contribution { position: signed.position, cell, sign: signed.sign, sums, values })
    }

    /// The cell that a fact belongs to; none where its day is NULL.
    fn cell(&self, fact: &Fact) -> Option<CellKey> {
        let Scalar::Date(day) = fact.values[self.place.day?] else { return None };
        let text = |column: Option<usize>| match column.map(|column| &fact.values[column]) {
            Some(Scalar::Text(text)) => text.clone(),
            _ => Arc::default(),
        };
        let Place { rep, dims, currency, .. } = &self.place;
        Some(CellKey { kpi: self.name.clone(), day, rep_id: text(*rep), dims: dims.map(text), currency: text(*currency) })
    }

    fn failure(&self, signed: SignedFact<'_>, reason: String) -> Failure {
        Failure {
            position: signed.position,
            subject: format!("{}:{}/{}", self.definition.name, signed.fact.table.name(), signed.fact.key()),
            reason,
            sign: signed.sign,
        }
    }
}

impl Place {
    fn of(kpi: &KpiDefinition) -> Self {
        let position = |column: &str| kpi.from.definition().position(column);
        let mut dims = [None; DIMS_MAX];
        for (dim, column) in dims.iter_mut().zip(&kpi.dims) {
            *dim = position(column);
        }
        let currency = if kpi.is_money { position("currency") } else { None };
        Self { day: position(&kpi.day), rep: position(&kpi.rep), dims, currency }
    }
}

fn multiset_value(column: &ArrayRef, row: usize, is_text: bool) -> Scalar {
    if is_text {
        Scalar::from(column.as_string::<i32>().value(row))
    } else {
        let value = column.as_primitive::<arrow::datatypes::Decimal128Type>().value(row);
        Scalar::Decimal(Decimal6(value))
    }
}
