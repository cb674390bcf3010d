//! Asking ClickHouse and turning its rows into an answer.

use std::collections::BTreeSet;

use chrono::Utc;
use clickhouse::{Client, Row, query::Query};
use serde::Deserialize;
use tidemark_schemas::log::Position;

use super::{
    Answer, AnswerRow, KpiRequest, MissingRate, Scope, evaluate, evaluate::is_money_slot, grain::Grain, request::Axis,
    sql::statement,
};
use crate::{
    Error,
    service::Service,
    trust::{Trust, pulse},
};

/// A row of the statement.
#[derive(Debug, Row, Deserialize)]
struct Group {
    is_watermark: u8,
    period: String,
    first_day: String,
    by: Vec<String>,
    slots: Vec<Vec<String>>,
    missing: Vec<(String, String)>,
    position: i64,
}

/// Rates that an answer lists; the first ones are what somebody has to enter first.
pub(crate) const MISSING_RATES_MAX: usize = 100;

/// Answers a request from the numbers of one scope.
///
/// # Errors
/// Too many rows; ClickHouse.
pub(crate) async fn answer(service: &Service, request: &KpiRequest, scope: &Scope) -> Result<Answer, Error> {
    let rows_max = service.config.rows_max;
    let groups = bind(&service.clickhouse, request, scope, rows_max).fetch_all::<Group>();
    let of = (scope.generation, scope.partition, scope.tenant.as_ref());
    let pulse = pulse(&service.clickhouse, of, 1);
    let (groups, pulse) = tokio::try_join!(async { groups.await.map_err(Error::from) }, pulse)?;

    let (watermark, groups): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.is_watermark == 1);
    if groups.len() as u64 > rows_max {
        return Err(Error::TooManyRows(rows_max, "rows_max"));
    }
    let offset = watermark.first().map_or(-1, |group| group.position);
    let at = Position { partition: scope.partition, offset };
    let (rows, missing_rates) = rows(request, scope, &groups)?;
    Ok(Answer {
        kpi: request.kpi.name.clone(),
        unit: request.kpi.unit,
        grain: request.grain,
        rows,
        missing_rates,
        trust: Trust::new(service, at, scope.generation, &pulse, Utc::now()),
    })
}

fn bind(clickhouse: &Client, request: &KpiRequest, scope: &Scope, rows_max: u64) -> Query {
    // The statement holds no `?` for the client to bind: all values are named parameters.
    let mut query = clickhouse
        .query(&statement(request))
        .param("generation", scope.generation)
        .param("partition", scope.partition)
        .param("tenant", scope.tenant.as_ref())
        .param("kpi", &request.kpi.name)
        // One for the watermark, and one that shows that there are too many.
        .param("rows", rows_max + 2);
    if request.kpi.is_money {
        query = query.param("currency", &scope.currency);
    }
    for (name, day) in [("from", request.from), ("to", request.to)] {
        if let Some(day) = day {
            query = query.param(name, day.to_string());
        }
    }
    for (axis, values) in &request.filters {
        query = match axis {
            Axis::Rep => query.param("rep", values),
            Axis::Unit(unit) => query.param(unit, values),
            Axis::Dim(place) => query.param(&format!("d{place}"), values),
        };
    }
    query
}

fn rows(request: &KpiRequest, scope: &Scope, groups: &[Group]) -> Result<(Vec<AnswerRow>, Vec<MissingRate>), Error> {
    let kpi = &request.kpi;
    // Only money has rates: a KPI whose sums are all counts would not need them.
    let converts = (0..kpi.slots.len()).any(|slot| is_money_slot(kpi, slot));
    let everything = groups.iter().map(|group| &group.first_day).min();
    let first = request.from.map(|from| from.to_string()).or_else(|| everything.cloned()).unwrap_or_default();
    let mut missing = BTreeSet::new();
    let mut rows = Vec::with_capacity(groups.len());
    for group in groups {
        let incomplete = converts && !group.missing.is_empty();
        if incomplete {
            missing.extend(group.missing.iter().map(|(from, day)| MissingRate {
                from_currency: from.clone(),
                to_currency: scope.currency.clone(),
                day: day.clone(),
            }));
        }
        let period = if request.grain == Grain::All { first.clone() } else { group.period.clone() };
        let by = request.by.iter().zip(&group.by).map(|(axis, value)| (axis.name(kpi).to_owned(), named(value))).collect();
        let value = if incomplete { None } else { evaluate::value(kpi, &group.slots)? };
        rows.push(AnswerRow { period, by, value });
    }
    Ok((rows, missing.into_iter().take(MISSING_RATES_MAX).collect()))
}

/// An empty text in a cell means none.
pub(crate) fn named(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}
