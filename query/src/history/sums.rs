//! What the facts of a row add up to, exactly.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigInt;
use num_traits::ToPrimitive;
use tidemark_schemas::{
    fact::Scalar,
    kpi::{Contribution, KpiDefinition, Percentile, Ratio, SlotKind},
};

use crate::kpis::{between, is_money_slot};

/// Money is millionths times a rate in millionths, and so is everything else, at the rate of one.
const PLACES: u32 = 12;

/// The slots of a KPI over some facts.
#[derive(Debug, Clone)]
pub(crate) struct Sums {
    slots: Vec<Sum>,
    /// Currencies and days without a rate; the sums are then without what needed them.
    pub(crate) missing: BTreeSet<(String, i32)>,
    /// How many.
    pub(crate) facts: u64,
}

#[derive(Debug, Clone)]
enum Sum {
    /// 10^-12.
    Additive(BigInt),
    Distinct(BTreeSet<String>),
    /// Values, 10^-12, and how many facts have them.
    Values(BTreeMap<BigInt, u64>),
}

impl Sums {
    /// Of no facts.
    pub(crate) fn of(kpi: &KpiDefinition) -> Self {
        let slots = kpi.slots.iter().map(|slot| match slot.kind {
            kind if kind.is_additive() => Sum::Additive(BigInt::ZERO),
            SlotKind::CountDistinct => Sum::Distinct(BTreeSet::new()),
            _ => Sum::Values(BTreeMap::new()),
        });
        Self { slots: slots.collect(), missing: BTreeSet::new(), facts: 0 }
    }

    /// Adds what a fact contributes, with its money at `rate`.
    pub(crate) fn add(&mut self, kpi: &KpiDefinition, contribution: &Contribution, rate: Option<&BigInt>) {
        self.facts += 1;
        if rate.is_none() {
            self.missing.insert((contribution.currency.to_string(), contribution.day));
        }
        for (slot, part) in parts(kpi, contribution, rate) {
            match (&mut self.slots[slot], part) {
                (Sum::Additive(sum), Part::Number(number)) => *sum += number,
                (Sum::Values(values), Part::Number(number)) => *values.entry(number).or_default() += 1,
                (Sum::Distinct(values), Part::Text(text)) => {
                    values.insert(text);
                }
                _ => {}
            }
        }
    }

    /// The slots as numbers; none is NULL.
    pub(crate) fn slots(&self, kpi: &KpiDefinition) -> Vec<Option<Ratio>> {
        self.slots.iter().zip(&kpi.slots).map(|(sum, slot)| number(sum, slot.kind)).collect()
    }

    /// The KPI's value; none is NULL, also where a rate is missing that is needed.
    pub(crate) fn value(&self, kpi: &KpiDefinition) -> Option<Ratio> {
        if converts(kpi) && !self.missing.is_empty() { None } else { kpi.arithmetic.evaluate(&self.slots(kpi)) }
    }
}

/// Whether a KPI needs rates: one whose sums are all counts does not.
pub(crate) fn converts(kpi: &KpiDefinition) -> bool {
    (0..kpi.slots.len()).any(|slot| is_money_slot(kpi, slot))
}

/// What a fact adds to a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// 10^-12.
    Number(BigInt),
    Text(String),
}

impl Part {
    /// The number, 10^-12, if it is one.
    pub(crate) fn amount(&self) -> Option<&BigInt> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// What a fact adds, by the place of the slot. Money without a rate counts as zero.
pub(crate) fn parts(kpi: &KpiDefinition, contribution: &Contribution, rate: Option<&BigInt>) -> Vec<(usize, Part)> {
    let number = |slot: usize, millionths: i128| {
        let times = if is_money_slot(kpi, slot) { rate.cloned().unwrap_or_default() } else { BigInt::from(1_000_000) };
        (slot, Part::Number(BigInt::from(millionths) * times))
    };
    let additive = kpi.slots.iter().enumerate().filter(|(_, slot)| slot.kind.is_additive()).map(|(place, _)| place);
    let mut parts: Vec<_> = additive.zip(&contribution.sums).map(|(slot, sum)| number(slot, *sum)).collect();
    parts.extend(contribution.values.iter().filter_map(|(slot, value)| {
        let slot = usize::from(*slot);
        match value {
            Scalar::Decimal(decimal) => Some(number(slot, decimal.0)),
            Scalar::Text(text) => Some((slot, Part::Text(text.to_string()))),
            _ => None,
        }
    }));
    parts.sort_by_key(|(slot, _)| *slot);
    parts
}

fn number(sum: &Sum, kind: SlotKind) -> Option<Ratio> {
    match (sum, kind) {
        (Sum::Additive(sum), _) => Some(exact(sum)),
        (Sum::Distinct(values), _) => Some(Ratio::from_integer(values.len().into())),
        (Sum::Values(values), SlotKind::Min) => values.keys().next().map(exact),
        (Sum::Values(values), SlotKind::Max) => values.keys().next_back().map(exact),
        (Sum::Values(values), SlotKind::Percentile(share)) => percentile(values, share),
        (Sum::Values(_), _) => None,
    }
}

fn percentile(values: &BTreeMap<BigInt, u64>, share: Percentile) -> Option<Ratio> {
    let n: u64 = values.values().sum();
    if n == 0 {
        return None;
    }
    let place = BigInt::from(n - 1) * share.numerator / share.denominator;
    let lower = place.to_u64()?;
    let at = |place: u64| {
        let mut before = 0;
        values.iter().find(|(_, count)| {
            before += **count;
            place < before
        })
    };
    let upper = (lower + 1).min(n - 1);
    Some(between(share, n, exact(at(lower)?.0), exact(at(upper)?.0)))
}

pub(super) fn exact(number: &BigInt) -> Ratio {
    Ratio::new(number.clone(), BigInt::from(10).pow(PLACES))
}
