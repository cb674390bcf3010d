//! Every fact that counts in an answer, with where it counts and for how much.

use chrono::{Days, NaiveDate};
use num_bigint::BigInt;
use tidemark_schemas::{
    fact::{Fact, to_record_batch},
    kpi::{Contribution, Measure},
};

use super::{
    Past,
    facts::{Facts, Wanted},
    reference::Reference,
};
use crate::{
    Error,
    kpis::{Axis, KpiRequest},
    service::Service,
};

/// A fact that counts.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub(crate) fact: Fact,
    pub(crate) contribution: Contribution,
    /// First day of its period; for `all` there is one, which is none's.
    pub(crate) period: NaiveDate,
    /// What the answer is split by.
    pub(crate) by: Vec<String>,
    /// What its money is multiplied with, millionths; none where no rate is known.
    pub(crate) rate: Option<BigInt>,
}

/// The facts that count in the answer to a request at a moment, in the order of their keys.
pub(crate) struct Counting<'a> {
    request: &'a KpiRequest,
    past: &'a Past,
    reference: Reference,
    measure: Measure,
    facts: Facts,
}

impl<'a> Counting<'a> {
    /// # Errors
    /// ClickHouse; a KPI that cannot be planned.
    pub(crate) async fn start(service: &Service, request: &'a KpiRequest, past: &'a Past) -> Result<Self, Error> {
        let kpi = &request.kpi;
        let reference = Reference::read(service, past, request.needs_roster(), kpi.is_money).await?;
        let measure = Measure::plan(kpi.clone()).map_err(Error::Sql)?;
        let wanted = Wanted { table: kpi.from, day: &kpi.day, from: request.from, to: request.to };
        let facts = Facts::read(service, past, &wanted)?;
        Ok(Self { request, past, reference, measure, facts })
    }

    /// The next ones; none after the last.
    ///
    /// # Errors
    /// ClickHouse; a text that is no fact.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Counted>>, Error> {
        let facts = self.facts.next().await?;
        if facts.is_empty() {
            return Ok(None);
        }
        let batch = to_record_batch(self.request.kpi.from, facts.iter()).map_err(|error| Error::Unexpected(error.to_string()))?;
        let mut contributions: Vec<Option<Contribution>> = vec![None; facts.len()];
        // What cannot be measured contributes nothing, here as in the cells; /v1/freshness names it.
        self.measure.measure(&batch, facts.iter(), |row, contribution| contributions[row] = contribution.ok());
        let both = facts.into_iter().zip(contributions);
        Ok(Some(both.filter_map(|(fact, contribution)| self.counted(fact, contribution?)).collect()))
    }

    fn counted(&self, fact: Fact, contribution: Contribution) -> Option<Counted> {
        let request = self.request;
        let axis = |axis: Axis| match axis {
            Axis::Rep => contribution.rep_id.to_string(),
            Axis::Unit(unit) => self.reference.unit(unit, &contribution.rep_id, contribution.day),
            Axis::Dim(place) => contribution.dims[place].to_string(),
        };
        if !request.filters.iter().all(|(filter, values)| values.contains(&axis(*filter))) {
            return None;
        }
        let by = request.by.iter().map(|by| axis(*by)).collect();
        let rate = self.reference.rate(self.past, &contribution.currency, contribution.day);
        Some(Counted { fact, period: request.grain.first_day(date(contribution.day)), by, rate, contribution })
    }
}

/// Of days since 1970-01-01.
pub(super) fn date(day: i32) -> NaiveDate {
    let from_1970 = NaiveDate::default();
    let days = Days::new(u64::from(day.unsigned_abs()));
    let date = if day < 0 { from_1970.checked_sub_days(days) } else { from_1970.checked_add_days(days) };
    date.unwrap_or(from_1970)
}
