//! What two generations have differently, KPI by KPI: for the one who decides whether a new one becomes live.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use serde::Deserialize;
use tidemark_schemas::definitions::Definitions;

use super::{Generation, Ledger};
use crate::Error;

/// How far the partitions of a generation are.
pub type Positions = BTreeMap<i32, i64>;

/// Two generations side by side.
#[derive(Debug, Clone)]
pub struct Difference {
    /// How far the old one was.
    pub positions_old: Positions,
    /// How far the new one was.
    pub positions_new: Positions,
    /// Whether both were at the same position, and stayed there while they were compared.
    pub is_exact: bool,
    /// Per KPI and currency, in order.
    pub kpis: Vec<KpiDifference>,
}

/// One KPI in both; its money in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KpiDifference {
    /// Its name.
    pub kpi: String,
    /// The currency of its money; empty otherwise.
    pub currency: String,
    /// How its definition changed.
    pub definition: Change,
    /// Cells that hold facts.
    pub cells: (u64, u64),
    /// Cells and values that are not the same.
    pub differ: u64,
    /// Facts in its cells.
    pub facts: (i64, i64),
    /// Totals of its sums and counts, decimals.
    pub totals: (Vec<String>, Vec<String>),
}

/// How a definition changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It did not.
    Same,
    /// Another text.
    Changed,
    /// It is new.
    New,
    /// It is gone.
    Removed,
}

#[derive(Row, Deserialize)]
struct Found {
    name: String,
    money: String,
    cells_old: u64,
    cells_new: u64,
    differ: u64,
    counted_old: i64,
    counted_new: i64,
    totals_old: Vec<String>,
    totals_new: Vec<String>,
}

impl Ledger {
    /// How far the partitions of a generation are.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn positions(&self, generation: u32) -> Result<Positions, Error> {
        let query = self.client.query(include_str!("../../sql/positions.sql")).param("generation", generation);
        Ok(query.fetch_all::<(i32, i64)>().await?.into_iter().collect())
    }

    /// Compares all cells of two generations.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn difference(&self, old: &Generation, new: &Generation) -> Result<Difference, Error> {
        let positions = async || Ok::<_, Error>((self.positions(old.number).await?, self.positions(new.number).await?));
        let before = positions().await?;
        let query = self.client.query(include_str!("../../sql/difference.sql"));
        let found = query.param("old", old.number).param("new", new.number).fetch_all::<Found>().await?;
        let (positions_old, positions_new) = positions().await?;
        // Either may have been elsewhere while its cells were read.
        let is_exact = positions_old == positions_new && before == (positions_old.clone(), positions_new.clone());
        let (before, after) = (old.definitions.as_ref().ok(), new.definitions.as_ref().ok());
        let mut kpis: Vec<KpiDifference> = found.into_iter().map(|found| found.difference(before, after)).collect();
        kpis.extend(without_cells(&kpis, before, after));
        kpis.sort_by(|a, b| (&a.kpi, &a.currency).cmp(&(&b.kpi, &b.currency)));
        Ok(Difference { positions_old, positions_new, is_exact, kpis })
    }
}

impl Found {
    fn difference(self, before: Option<&Definitions>, after: Option<&Definitions>) -> KpiDifference {
        let slots = [before, after].map(|definitions| additive_slots(definitions, &self.name));
        let first = |mut totals: Vec<String>, slots: usize| {
            totals.truncate(slots);
            totals
        };
        KpiDifference {
            definition: change(before, after, &self.name),
            kpi: self.name,
            currency: self.money,
            cells: (self.cells_old, self.cells_new),
            differ: self.differ,
            facts: (self.counted_old, self.counted_new),
            totals: (first(self.totals_old, slots[0]), first(self.totals_new, slots[1])),
        }
    }
}

impl Change {
    /// As shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Changed => "changed",
            Self::New => "new",
            Self::Removed => "removed",
        }
    }
}

/// KPIs whose definition is another and that have no cell in either.
fn without_cells(known: &[KpiDifference], before: Option<&Definitions>, after: Option<&Definitions>) -> Vec<KpiDifference> {
    let names: BTreeSet<&String> =
        [before, after].into_iter().flatten().flat_map(|definitions| definitions.kpis.keys()).collect();
    let missing = names.into_iter().filter(|name| !known.iter().any(|kpi| kpi.kpi == **name));
    let nothing = missing.map(|name| KpiDifference {
        kpi: name.clone(),
        currency: String::new(),
        definition: change(before, after, name),
        cells: (0, 0),
        differ: 0,
        facts: (0, 0),
        totals: (Vec::new(), Vec::new()),
    });
    nothing.filter(|kpi| kpi.definition != Change::Same).collect()
}

fn change(before: Option<&Definitions>, after: Option<&Definitions>, kpi: &str) -> Change {
    let text = |definitions: Option<&Definitions>| definitions.and_then(|definitions| definitions.kpis.get(kpi)).cloned();
    match (text(before), text(after)) {
        (Some(before), Some(after)) if before == after => Change::Same,
        (Some(_), Some(_)) => Change::Changed,
        (Some(_), None) => Change::Removed,
        (None, _) => Change::New,
    }
}

fn additive_slots(definitions: Option<&Definitions>, kpi: &str) -> usize {
    let text = definitions.and_then(|definitions| definitions.kpis.get(kpi));
    let definition = text.and_then(|text| tidemark_schemas::kpi::KpiDefinition::parse(kpi, text).ok());
    definition.map_or(0, |definition| definition.slots.iter().filter(|slot| slot.kind.is_additive()).count())
}
