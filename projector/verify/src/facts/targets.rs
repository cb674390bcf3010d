//! targets and rates.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use tidemark_schemas::{
    events::{Data, EntityKind},
    fact::{Fact, Scalar},
    table::FactTable,
};

use crate::company::{Company, days};

/// A row per target, as it was last set; none for a period that does not exist.
pub(crate) fn targets(company: &Company) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (id, events) in company.existing(EntityKind::Target) {
        let set = events.iter().rev().find_map(|event| match &event.data {
            Data::TargetSet(data) => Some(data),
            _ => None,
        });
        let Some(data) = set else { continue };
        let Some((valid_from, valid_to)) = period(&data.period) else { continue };
        facts.push(Fact::new(
            FactTable::Targets,
            [
                ("target_id", id.into()),
                ("unit", data.unit.as_str().into()),
                ("unit_id", Scalar::text(data.id.as_deref())),
                ("period", data.period.as_str().into()),
                ("kpi", data.kpi.as_str().into()),
                ("value", Scalar::Decimal(data.value)),
                ("valid_from", Scalar::Date(days(valid_from))),
                ("valid_to", Scalar::Date(days(valid_to))),
            ],
        ));
    }
    facts
}

/// The first day of 2026, 2026-Q1, 2026-03 or 2026-W10, and the first day after.
fn period(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let (year, part) = text.split_once('-').unwrap_or((text, ""));
    let year = year.parse().ok()?;
    let months = |first: u32, count: u32| {
        let from = NaiveDate::from_ymd_opt(year, first, 1)?;
        Some((from, from.checked_add_months(Months::new(count))?))
    };
    if part.is_empty() {
        return months(1, 12);
    }
    if let Some(quarter) = part.strip_prefix('Q') {
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        return months(quarter * 3 - 2, 3);
    }
    if let Some(week) = part.strip_prefix('W') {
        let monday = NaiveDate::from_isoywd_opt(year, week.parse().ok()?, Weekday::Mon)?;
        return (monday.iso_week().year() == year).then_some((monday, monday.checked_add_days(Days::new(7))?));
    }
    months(part.parse().ok()?, 1)
}

/// A row per pair and day of a rate; it lasts until the next.
pub(crate) fn rates(company: &Company) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (_, events) in company.existing(EntityKind::Rate) {
        let mut by_day = BTreeMap::new();
        for event in events {
            if let Data::RateSet(data) = &event.data {
                by_day.insert(data.on, data);
            }
        }
        for (on, data) in &by_day {
            let next = by_day.keys().copied().find(|later| later > on);
            facts.push(Fact::new(
                FactTable::Rates,
                [
                    ("from_currency", data.from.as_str().into()),
                    ("to_currency", data.to.as_str().into()),
                    ("valid_from", Scalar::Date(*on)),
                    ("valid_to", Scalar::maybe(next, Scalar::Date)),
                    ("rate", Scalar::Decimal(data.rate)),
                ],
            ));
        }
    }
    facts
}
