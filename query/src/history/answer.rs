//! The answer to a question as it was at a moment.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use tidemark_schemas::kpi::round_text;

use super::{
    Past,
    counted::{Counting, date},
    sums::{Sums, converts},
};
use crate::{
    Error,
    kpis::{Answer, AnswerRow, Grain, KpiRequest, MISSING_RATES_MAX, MissingRate, named},
    service::Service,
};

/// What was answered when everything up to that position was in the numbers, and nothing later.
///
/// # Errors
/// ClickHouse; more rows than an answer may have.
pub(crate) async fn answer(service: &Service, request: &KpiRequest, past: &Past) -> Result<Answer, Error> {
    let (kpi, rows_max) = (&request.kpi, service.config.rows_max);
    let mut groups: BTreeMap<(NaiveDate, Vec<String>), Sums> = BTreeMap::new();
    let mut first_day = None;
    let mut counting = Counting::start(service, request, past).await?;
    while let Some(some) = counting.next().await? {
        for counted in some {
            let day = counted.contribution.day;
            first_day = Some(first_day.map_or(day, |first: i32| first.min(day)));
            let group = groups.entry((counted.period, counted.by)).or_insert_with(|| Sums::of(kpi));
            group.add(kpi, &counted.contribution, counted.rate.as_ref());
        }
        if groups.len() as u64 > rows_max {
            return Err(Error::TooManyRows(rows_max, "rows_max"));
        }
    }
    let whole = request.from.or_else(|| first_day.map(date)).map(|day| day.to_string()).unwrap_or_default();
    let missing = groups.values().filter(|_| converts(kpi)).flat_map(|sums| &sums.missing).map(|(from, day)| MissingRate {
        from_currency: from.clone(),
        to_currency: past.currency.clone(),
        day: date(*day).to_string(),
    });
    let missing: BTreeSet<MissingRate> = missing.collect();
    let rows = groups.iter().map(|((period, by), sums)| AnswerRow {
        period: if request.grain == Grain::All { whole.clone() } else { period.to_string() },
        by: request.by.iter().zip(by).map(|(axis, value)| (axis.name(kpi).to_owned(), named(value))).collect(),
        value: sums.value(kpi).as_ref().map(round_text),
    });
    Ok(Answer {
        kpi: kpi.name.clone(),
        unit: kpi.unit,
        grain: request.grain,
        rows: rows.collect(),
        missing_rates: missing.into_iter().take(MISSING_RATES_MAX).collect(),
        trust: past.stamp(service).await?,
    })
}
