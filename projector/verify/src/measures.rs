//! Facts to cells: evaluates a KPI's `where` and the contribution of every slot on every fact, and adds up.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::Decimal128Type,
};
use datafusion::{
    common::DFSchema, error::DataFusionError, logical_expr::Expr, physical_expr::PhysicalExpr, prelude::SessionContext,
};
use tidemark_schemas::{
    decimal::Decimal6,
    fact::{Fact, Scalar, to_record_batch},
    kpi::{Catalogue, KpiDefinition},
    table::FactTable,
};

use crate::{
    cells::{CellKey, CellValue, Cells},
    error::VerifyError,
};

/// A fact that would add more than 10^18 to a sum is not measured, so that sums of 38 digits hold as many facts as there can be.
const ADDED_MAX: Decimal6 = Decimal6(1_000_000_000_000_000_000_000_000);

/// The KPIs of a catalogue, planned: once per process is enough.
pub struct Measures(Vec<Measure>);

struct Measure {
    kpi: Arc<KpiDefinition>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    /// One per slot of the KPI.
    contributions: Vec<Arc<dyn PhysicalExpr>>,
}

/// What a fact puts into the slots: a number, a text, or nothing.
type Contribution = Option<CellValue>;

impl Measures {
    /// Plans every KPI.
    ///
    /// # Errors
    /// [`VerifyError::Plan`].
    pub fn plan(catalogue: &Catalogue) -> Result<Self, VerifyError> {
        let context = SessionContext::new();
        let measure =
            |kpi: &Arc<KpiDefinition>| plan(&context, kpi).map_err(|source| VerifyError::Plan { kpi: kpi.name.clone(), source });
        catalogue.iter().map(measure).collect::<Result<_, _>>().map(Self)
    }

    /// The cells of these facts.
    pub(crate) fn cells(&self, facts: &[Fact]) -> Result<Cells, VerifyError> {
        let mut by_table: BTreeMap<FactTable, Vec<&Fact>> = BTreeMap::new();
        for fact in facts {
            by_table.entry(fact.table).or_default().push(fact);
        }
        let mut cells = Cells::new();
        for measure in &self.0 {
            if let Some(facts) = by_table.get(&measure.kpi.from) {
                measure.add_all(facts, &mut cells)?;
            }
        }
        Ok(cells)
    }
}

fn plan(context: &SessionContext, kpi: &Arc<KpiDefinition>) -> Result<Measure, DataFusionError> {
    let schema = DFSchema::try_from_qualified_schema(kpi.from.name(), &kpi.from.definition().arrow_schema())?;
    let physical = |expr: Expr| context.create_physical_expr(expr, &schema);
    Ok(Measure {
        kpi: kpi.clone(),
        filter: kpi.filter.clone().map(physical).transpose()?,
        contributions: kpi.slots.iter().map(|slot| physical(slot.contribution()?)).collect::<Result<_, _>>()?,
    })
}

impl Measure {
    fn add_all(&self, facts: &[&Fact], cells: &mut Cells) -> Result<(), VerifyError> {
        let chosen = match &self.filter {
            None => facts.to_vec(),
            Some(filter) => {
                let verdicts = self.evaluate(filter, facts, |array, row| self.bool_at(array, row))?;
                facts.iter().zip(verdicts).filter_map(|(fact, verdict)| (verdict == Some(true)).then_some(*fact)).collect()
            }
        };
        let mut columns = Vec::new();
        for contribution in &self.contributions {
            columns.push(self.evaluate(contribution, &chosen, |array, row| self.value_at(array, row))?);
        }
        for (row, fact) in chosen.into_iter().enumerate() {
            // A row whose evaluation fails, or gives too much, contributes nothing to this KPI.
            let contributions: Option<Vec<Contribution>> = columns.iter().map(|column| column[row].clone()).collect();
            let contributions = contributions.filter(|contributions| !self.is_too_much(contributions));
            if let (Some(contributions), Scalar::Date(day)) = (contributions, fact.get(&self.kpi.day)) {
                self.add(fact, *day, contributions, cells);
            }
        }
        Ok(())
    }

    fn is_too_much(&self, contributions: &[Contribution]) -> bool {
        let sums = self.kpi.slots.iter().zip(contributions).filter(|(slot, _)| slot.kind.is_additive());
        sums.into_iter().any(|(_, added)| match added {
            Some(CellValue::Number(number)) => *number > ADDED_MAX || -*number > ADDED_MAX,
            _ => false,
        })
    }

    fn add(&self, fact: &Fact, day: i32, contributions: Vec<Contribution>, cells: &mut Cells) {
        let text = |column: &str| fact.get(column).as_text().unwrap_or_default().to_owned();
        let key = CellKey {
            kpi: self.kpi.name.clone(),
            day,
            rep: text(&self.kpi.rep),
            dims: self.kpi.dims.iter().map(|dim| text(dim)).collect(),
            currency: if self.kpi.is_money { text("currency") } else { String::new() },
        };
        let cell = cells.entry(key).or_default();
        cell.facts += 1;
        let additive = self.kpi.slots.iter().filter(|slot| slot.kind.is_additive()).count();
        cell.sums.resize(additive, Decimal6::ZERO);
        let mut next_sum = 0;
        for (index, (slot, contribution)) in self.kpi.slots.iter().zip(contributions).enumerate() {
            if slot.kind.is_additive() {
                if let Some(CellValue::Number(number)) = contribution {
                    cell.sums[next_sum] += number;
                }
                next_sum += 1;
            } else if let Some(value) = contribution {
                *cell.values.entry((index, value)).or_default() += 1;
            }
        }
    }

    /// A value per fact; `None` where its evaluation fails. All facts at once, and one by one if any of them fails.
    fn evaluate<T>(
        &self,
        expr: &Arc<dyn PhysicalExpr>,
        facts: &[&Fact],
        read: impl Fn(&ArrayRef, usize) -> Result<T, VerifyError>,
    ) -> Result<Vec<Option<T>>, VerifyError> {
        if let Ok(array) = run(expr, &self.batch(facts)?) {
            return (0..facts.len()).map(|row| read(&array, row).map(Some)).collect();
        }
        let one = |fact: &&Fact| match run(expr, &self.batch(&[fact])?) {
            Ok(array) => read(&array, 0).map(Some),
            Err(_) => Ok(None),
        };
        facts.iter().map(one).collect()
    }

    fn batch(&self, facts: &[&Fact]) -> Result<RecordBatch, VerifyError> {
        let table = self.kpi.from;
        to_record_batch(table, facts.iter().copied()).map_err(|source| VerifyError::Facts { table: table.name(), source })
    }

    /// NULL is not true.
    fn bool_at(&self, array: &ArrayRef, row: usize) -> Result<bool, VerifyError> {
        let bools = array.as_boolean_opt().ok_or_else(|| self.unexpected("where", array, "Boolean"))?;
        Ok(bools.is_valid(row) && bools.value(row))
    }

    fn value_at(&self, array: &ArrayRef, row: usize) -> Result<Contribution, VerifyError> {
        if let Some(numbers) = array.as_primitive_opt::<Decimal128Type>() {
            return Ok(numbers.is_valid(row).then(|| CellValue::Number(Decimal6(numbers.value(row)))));
        }
        let texts = array.as_string_opt::<i32>().ok_or_else(|| self.unexpected("value", array, "Decimal128 or Utf8"))?;
        Ok(texts.is_valid(row).then(|| CellValue::Text(texts.value(row).to_owned())))
    }

    fn unexpected(&self, expression: &'static str, array: &ArrayRef, expected: &'static str) -> VerifyError {
        VerifyError::Type { kpi: self.kpi.name.clone(), expression, found: array.data_type().to_string(), expected }
    }
}

fn run(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
    expr.evaluate(batch)?.into_array(batch.num_rows())
}
