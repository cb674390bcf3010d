//! `attainment`: every target beside what was reached, each exact at its own level: a team's value is not made of its reps'.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, SchemaRef},
    error::ArrowError,
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use datafusion::datasource::TableProvider;
use num_traits::Zero;
use tidemark_schemas::{
    fact::{Fact, Scalar},
    kpi::{exact, round_text},
    table::FactTable,
};

use super::{
    Numbers, columns,
    streamed::{Batches, Rows, StreamedTable},
};
use crate::{
    Error,
    history::{Facts, Wanted},
    kpis::{Axis, Grain, KpiRequest, of_nothing, ratio},
};

/// Its name.
pub(super) const NAME: &str = "attainment";
/// Targets of a company that are looked at.
const TARGETS_MAX: usize = 1_000_000;

/// The table.
pub(super) fn table(numbers: &Numbers) -> Arc<dyn TableProvider> {
    let schema = columns::schema(
        "Targets beside what was reached: attainment is value divided by target.",
        &[
            ("kpi", DataType::Utf8, false, "The KPI."),
            ("unit", DataType::Utf8, false, "company, department, team or rep."),
            ("unit_id", DataType::Utf8, true, "Which; none for the company."),
            ("period", DataType::Utf8, false, "2026, 2026-Q1, 2026-03 or 2026-W10."),
            ("valid_from", DataType::Date32, false, "First day of the period."),
            ("valid_to", DataType::Date32, false, "First day after the period."),
            ("target", columns::VALUE, false, "The value to reach."),
            ("value", columns::VALUE, true, "The value until now; none where nothing can be said or the KPI is unknown."),
            ("attainment", columns::VALUE, true, "value divided by target: 1 is all of it; none for a target of 0."),
        ],
    );
    let rows = Attainment { numbers: numbers.clone(), schema: Arc::clone(&schema) };
    Arc::new(StreamedTable::new(schema, Arc::new(rows), numbers.restriction()))
}

#[derive(Debug)]
struct Attainment {
    numbers: Numbers,
    schema: SchemaRef,
}

/// A target of one KPI for units of one kind.
struct Target {
    unit_id: Option<String>,
    period: String,
    from: i32,
    /// The day after.
    to: i32,
    value: Scalar,
}

/// By first day of the period and unit.
type Reached = HashMap<(String, Option<String>), Option<String>>;

#[async_trait]
impl Rows for Attainment {
    async fn send(&self, to: &Batches) -> Result<(), Error> {
        for ((kpi, unit, grain), targets) in self.targets().await? {
            let reached = self.reached(&kpi, &unit, grain, &targets).await?;
            let batch = self.batch(&kpi, &unit, &targets, &reached);
            to.send(batch.map_err(|error| Error::Unexpected(error.to_string()))?).await?;
        }
        Ok(())
    }
}

impl Attainment {
    /// Those that one question answers together.
    async fn targets(&self) -> Result<BTreeMap<(String, String, Grain), Vec<Target>>, Error> {
        let mut facts = Facts::read(&self.numbers.service, &self.numbers.moment().await?, &Wanted::all(FactTable::Targets))?;
        let mut targets = BTreeMap::<_, Vec<Target>>::new();
        let mut count = 0;
        loop {
            let some = facts.next().await?;
            count += some.len();
            if count > TARGETS_MAX {
                return Err(Error::TooManyRows(TARGETS_MAX as u64, "targets that attainment looks at"));
            }
            if some.is_empty() {
                return Ok(targets);
            }
            for fact in some {
                let text = |column| fact.get(column).as_text().unwrap_or_default().to_owned();
                let target = Target::of(&fact);
                targets.entry((text("kpi"), text("unit"), target.grain())).or_default().push(target);
            }
        }
    }

    async fn reached(&self, kpi: &str, unit: &str, grain: Grain, targets: &[Target]) -> Result<Reached, Error> {
        let Some(kpi) = self.numbers.live.catalogue.get(kpi) else { return Ok(Reached::new()) };
        let axis = match unit {
            "rep" => Some(Axis::Rep),
            "team" => Some(Axis::Unit("team")),
            "department" => Some(Axis::Unit("department")),
            _ => None,
        };
        let from = targets.iter().map(|target| target.from).min().map(date);
        let to = targets.iter().map(|target| target.to - 1).max().map(date);
        let (kpi, by, filters) = (Arc::clone(kpi), axis.into_iter().collect(), vec![]);
        let request = KpiRequest { kpi, from, to, grain, by, filters, after: None, as_of: None };
        let nothing = of_nothing(&request.kpi);
        let mut reached: Reached = targets.iter().map(|target| (target.place(), nothing.clone())).collect();
        for row in self.numbers.answer(&request).await?.rows {
            let unit = row.by.into_iter().next().and_then(|(_, unit)| unit);
            if let Some(value) = reached.get_mut(&(row.period, unit)) {
                *value = row.value;
            }
        }
        Ok(reached)
    }

    fn batch(&self, kpi: &str, unit: &str, targets: &[Target], reached: &Reached) -> Result<RecordBatch, ArrowError> {
        let value = |target: &Target| reached.get(&target.place()).cloned().flatten();
        let share = |target: &Target| {
            let wanted = target.exact().filter(|wanted| !wanted.is_zero())?;
            Some(round_text(&(ratio(&value(target)?).ok()? / wanted)))
        };
        let columns = vec![
            columns::texts(targets, |_| Some(kpi.to_owned())),
            columns::texts(targets, |_| Some(unit.to_owned())),
            columns::texts(targets, |target| target.unit_id.clone()),
            columns::texts(targets, |target| Some(target.period.clone())),
            columns::dates(targets, |target| Some(target.from)),
            columns::dates(targets, |target| Some(target.to)),
            columns::values(targets, |target| target.exact().as_ref().map(round_text))?,
            columns::values(targets, value)?,
            columns::values(targets, share)?,
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl Target {
    fn of(fact: &Fact) -> Self {
        let text = |column| fact.get(column).as_text().map(str::to_owned);
        let day = |column| if let Scalar::Date(day) = fact.get(column) { *day } else { 0 };
        Self {
            unit_id: text("unit_id"),
            period: text("period").unwrap_or_default(),
            from: day("valid_from"),
            to: day("valid_to"),
            value: fact.get("value").clone(),
        }
    }

    /// A target is for a week, a month, a quarter or a year.
    fn grain(&self) -> Grain {
        match self.to - self.from {
            ..=7 => Grain::Week,
            8..=31 => Grain::Month,
            32..=92 => Grain::Quarter,
            _ => Grain::Year,
        }
    }

    fn place(&self) -> (String, Option<String>) {
        (date(self.from).to_string(), self.unit_id.clone())
    }

    fn exact(&self) -> Option<tidemark_schemas::kpi::Ratio> {
        if let Scalar::Decimal(value) = &self.value { Some(exact(*value)) } else { None }
    }
}

fn date(days_since_1970: i32) -> NaiveDate {
    let days = u64::try_from(days_since_1970).unwrap_or_default();
    NaiveDate::default().checked_add_days(Days::new(days)).unwrap_or_default()
}
