//! Cells: what the facts of one KPI, day, rep, dims and currency come to.

use std::{collections::BTreeMap, fmt};

use chrono::{NaiveDate, TimeDelta};
use tidemark_schemas::decimal::Decimal6;

/// Every cell that has a fact.
pub type Cells = BTreeMap<CellKey, Cell>;

/// Which cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellKey {
    /// The KPI's name.
    pub kpi: String,
    /// Business day, days since 1970-01-01.
    pub day: i32,
    /// The seller; empty for none.
    pub rep: String,
    /// A value per dimension of the KPI; empty for none.
    pub dims: Vec<String>,
    /// The facts' currency for a money KPI, else empty.
    pub currency: String,
}

/// What is in a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// How many facts.
    pub facts: i64,
    /// The additive slots in their order: the columns s0, s1, …
    pub sums: Vec<Decimal6>,
    /// The other slots: how many facts have which value, by (index among all slots of the KPI, value).
    pub values: BTreeMap<(usize, CellValue), i64>,
}

/// A value in a multiset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellValue {
    /// Of a distinct count.
    Text(String),
    /// Of a median, percentile, minimum or maximum.
    Number(Decimal6),
}

impl fmt::Display for CellKey {
    /// `KPI/day/rep/dims…/currency`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = NaiveDate::default() + TimeDelta::days(self.day.into());
        write!(f, "{}/{day}/{}", self.kpi, self.rep)?;
        for part in self.dims.iter().chain(Some(&self.currency).filter(|currency| !currency.is_empty())) {
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "facts={}", self.facts)?;
        for (slot, sum) in self.sums.iter().enumerate() {
            write!(f, " s{slot}={sum}")?;
        }
        for ((slot, value), facts) in &self.values {
            match value {
                CellValue::Text(text) => write!(f, " {slot}:{text:?}×{facts}")?,
                CellValue::Number(number) => write!(f, " {slot}:{number}×{facts}")?,
            }
        }
        Ok(())
    }
}
