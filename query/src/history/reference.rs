//! What a day is looked up in: who belonged to which units, and what money was worth.

use std::collections::HashMap;

use num_bigint::BigInt;
use tidemark_schemas::{
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    Past,
    facts::{Facts, Wanted},
};
use crate::{Error, service::Service};

/// Roster and rates as they were.
#[derive(Default)]
pub(super) struct Reference {
    /// By rep.
    roster: HashMap<String, Vec<Assignment>>,
    /// Into the tenant's currency, by the other one.
    rates: HashMap<String, Vec<Rate>>,
}

/// Days since 1970-01-01 that something holds for: from the first until the day before the second, if there is one.
#[derive(Debug, Clone, Copy)]
struct Valid(i32, Option<i32>);

#[derive(Debug)]
struct Assignment {
    valid: Valid,
    fact: Fact,
}

#[derive(Debug)]
struct Rate {
    valid: Valid,
    /// Millionths.
    price: i128,
}

/// Whoever belongs to nobody on a day.
const NONE: &str = "(none)";
/// The rate of a currency to itself, millionths.
const ONE: i128 = 1_000_000;

impl Reference {
    /// # Errors
    /// ClickHouse.
    pub(super) async fn read(service: &Service, past: &Past, needs_roster: bool, needs_rates: bool) -> Result<Self, Error> {
        let mut reference = Self::default();
        if needs_roster {
            for fact in every(service, past, FactTable::Roster).await? {
                let assignments = reference.roster.entry(text(&fact, "rep_id").to_owned()).or_default();
                assignments.push(Assignment { valid: Valid::of(&fact), fact });
            }
        }
        if needs_rates {
            let rates = every(service, past, FactTable::Rates).await?;
            for fact in rates.iter().filter(|fact| text(fact, "to_currency") == past.currency) {
                let Scalar::Decimal(price) = fact.get("rate") else { continue };
                let rate = Rate { valid: Valid::of(fact), price: price.0 };
                reference.rates.entry(text(fact, "from_currency").to_owned()).or_default().push(rate);
            }
        }
        Ok(reference)
    }

    /// The team, department or region that a rep belonged to on a day.
    pub(super) fn unit(&self, unit: &str, rep_id: &str, day: i32) -> String {
        let assignments = self.roster.get(rep_id).map_or(&[][..], Vec::as_slice);
        let assignment = assignments.iter().find(|assignment| assignment.valid.holds(day));
        assignment.and_then(|assignment| assignment.fact.get(unit).as_text()).unwrap_or(NONE).to_owned()
    }

    /// What one unit of a currency was worth in the tenant's on a day, millionths; none where that is not known.
    pub(super) fn rate(&self, past: &Past, currency: &str, day: i32) -> Option<BigInt> {
        if currency.is_empty() || currency == past.currency {
            return Some(ONE.into());
        }
        let rate = self.rates.get(currency)?.iter().find(|rate| rate.valid.holds(day))?;
        (rate.price != 0).then(|| rate.price.into())
    }
}

impl Valid {
    fn of(fact: &Fact) -> Self {
        let day = |column| if let Scalar::Date(day) = fact.get(column) { Some(*day) } else { None };
        Self(day("valid_from").unwrap_or(i32::MIN), day("valid_to"))
    }

    fn holds(self, day: i32) -> bool {
        self.0 <= day && self.1.is_none_or(|end| day < end)
    }
}

fn text<'a>(fact: &'a Fact, column: &str) -> &'a str {
    fact.get(column).as_text().unwrap_or_default()
}

async fn every(service: &Service, past: &Past, table: FactTable) -> Result<Vec<Fact>, Error> {
    let mut facts = Facts::read(service, past, &Wanted::all(table))?;
    let mut all = Vec::new();
    loop {
        let some = facts.next().await?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
    }
}
