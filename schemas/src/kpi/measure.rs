//! Measuring: what single facts add to the cells of a KPI. The projector sums it up as facts change; an answer as of an earlier
//! position, and an explanation, sum up the same of the facts as they were.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::{common::DFSchema, error::DataFusionError, physical_plan::PhysicalExpr, prelude::SessionContext};

use super::{DIMS_MAX, KpiDefinition};
use crate::{
    decimal::Decimal6,
    fact::{Fact, Scalar},
};

/// What one fact may add to a slot at most, millionths: 10^18 whole. An amount of an event is below 10^15, and 10^14 such
/// facts fit into the 38 digits of a cell, so that no sum can overflow, in whatever order they come.
const CONTRIBUTION_MAX: Decimal6 = Decimal6(10_i128.pow(24));

/// A KPI, ready to be measured.
#[derive(Clone)]
pub struct Measure {
    definition: Arc<KpiDefinition>,
    place: Place,
    filter: Option<Arc<dyn PhysicalExpr>>,
    slots: Vec<Arc<dyn PhysicalExpr>>,
}

/// The columns that say which cell a fact belongs to; none where there is no such column, or the KPI has none.
#[derive(Clone)]
struct Place {
    day: Option<usize>,
    rep: Option<usize>,
    dims: [Option<usize>; DIMS_MAX],
    currency: Option<usize>,
}

/// What one fact adds to one cell of a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Business day, days since 1970-01-01.
    pub day: i32,
    /// The seller; empty for none.
    pub rep_id: Arc<str>,
    /// Values of the dimensions; empty for none.
    pub dims: [Arc<str>; DIMS_MAX],
    /// Currency of money; empty otherwise.
    pub currency: Arc<str>,
    /// What it adds to the additive slots, in their order, millionths.
    pub sums: Vec<i128>,
    /// What it puts into the multisets: slot and value.
    pub values: Vec<(u8, Scalar)>,
}

/// The evaluated columns of a KPI on one batch.
struct Columns {
    filter: Option<ArrayRef>,
    slots: Vec<ArrayRef>,
}

impl Measure {
    /// Plans a KPI.
    ///
    /// # Errors
    /// What DataFusion says of its expressions.
    pub fn plan(definition: Arc<KpiDefinition>) -> Result<Self, DataFusionError> {
        let context = SessionContext::new();
        let schema = DFSchema::try_from_qualified_schema(definition.from.name(), &definition.from.definition().arrow_schema())?;
        let filter = definition.filter.clone().map(|filter| context.create_physical_expr(filter, &schema)).transpose()?;
        let slots = definition.slots.iter().map(|slot| context.create_physical_expr(slot.contribution()?, &schema));
        let slots = slots.collect::<Result<_, _>>()?;
        let place = Place::of(&definition);
        Ok(Self { definition, place, filter, slots })
    }

    /// The KPI.
    #[must_use]
    pub fn definition(&self) -> &Arc<KpiDefinition> {
        &self.definition
    }

    /// Tells `on` of each fact that belongs to the KPI, by its place in `facts`, what it contributes; or why it contributes nothing
    /// although it should: the KPI's expressions fail on it, or give more than a cell can hold. `batch` holds the same facts.
    pub fn measure<'a>(
        &self,
        batch: &RecordBatch,
        facts: impl Iterator<Item = &'a Fact>,
        mut on: impl FnMut(usize, Result<Contribution, String>),
    ) {
        let whole = self.evaluate(batch);
        for (row, fact) in facts.enumerate() {
            if let Ok(columns) = &whole {
                if let Some(contribution) = self.contribution(columns, row, fact) {
                    on(row, bounded(contribution));
                }
                continue;
            }
            // One fact spoils the batch: find out which, by evaluating each alone.
            let alone = batch.slice(row, 1);
            match self.evaluate(&alone) {
                Ok(columns) => {
                    if let Some(contribution) = self.contribution(&columns, 0, fact) {
                        on(row, bounded(contribution));
                    }
                }
                Err(error) if self.concerns(&alone) => on(row, Err(error.strip_backtrace())),
                Err(_) => {}
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
        let slots = self.slots.iter().map(|slot| slot.evaluate(batch)?.into_array(rows));
        Ok(Columns { filter, slots: slots.collect::<Result<_, _>>()? })
    }

    /// None where the fact is not the KPI's, or where its day is NULL.
    fn contribution(&self, columns: &Columns, row: usize, fact: &Fact) -> Option<Contribution> {
        let passes = columns.filter.as_ref().is_none_or(|filter| filter.is_valid(row) && filter.as_boolean().value(row));
        if !passes {
            return None;
        }
        let Scalar::Date(day) = fact.values[self.place.day?] else { return None };
        let text = |column: Option<usize>| match column.map(|column| &fact.values[column]) {
            Some(Scalar::Text(text)) => text.clone(),
            _ => Arc::default(),
        };
        let Place { rep, dims, currency, .. } = &self.place;
        let (mut sums, mut values) = (Vec::new(), Vec::new());
        for (index, (slot, column)) in self.definition.slots.iter().zip(&columns.slots).enumerate() {
            if slot.kind.is_additive() {
                sums.push(column.as_primitive::<arrow::datatypes::Decimal128Type>().value(row));
            } else if column.is_valid(row) {
                values.push((index as u8, multiset_value(column, row, slot.kind.is_text())));
            }
        }
        Some(Contribution { day, rep_id: text(*rep), dims: dims.map(text), currency: text(*currency), sums, values })
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

fn bounded(contribution: Contribution) -> Result<Contribution, String> {
    match contribution.sums.iter().find(|sum| sum.unsigned_abs() > CONTRIBUTION_MAX.0.unsigned_abs()) {
        None => Ok(contribution),
        Some(sum) => Err(format!("{} is more than the {CONTRIBUTION_MAX} that one fact may add", Decimal6(*sum))),
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
