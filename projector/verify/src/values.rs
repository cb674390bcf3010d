//! Cells to values: adds cells up over groups, converts money, and does a KPI's arithmetic with fractions of its own.

use std::collections::BTreeMap;

use num_bigint::{BigInt, Sign};
use tidemark_schemas::{
    decimal::Decimal6,
    fact::{Fact, Scalar},
    kpi::{Arithmetic, KpiDefinition, Percentile, Slot, SlotKind},
    table::FactTable,
};

use crate::cells::{Cell, CellKey, CellValue, Cells};

const MILLION: u32 = 1_000_000;

/// The values of a KPI by group; `None` is NULL.
pub(crate) fn values<G: Ord>(
    kpi: &KpiDefinition,
    cells: &Cells,
    money: &Money,
    group: impl Fn(&CellKey) -> G,
) -> BTreeMap<G, Option<String>> {
    let mut groups: BTreeMap<G, Vec<(&CellKey, &Cell)>> = BTreeMap::new();
    for (key, cell) in cells.iter().filter(|(key, _)| key.kpi == kpi.name) {
        groups.entry(group(key)).or_default().push((key, cell));
    }
    let value = |cells: &[(&CellKey, &Cell)]| {
        let slots: Vec<_> = (0..kpi.slots.len()).map(|slot| slot_value(kpi, slot, cells, money)).collect();
        Some(arithmetic(&kpi.arithmetic, &slots)?.text())
    };
    groups.into_iter().map(|(group, cells)| (group, value(&cells))).collect()
}

/// One slot over many cells; NULL where a rate is missing, and for a percentile, minimum or maximum of nothing.
fn slot_value(kpi: &KpiDefinition, index: usize, cells: &[(&CellKey, &Cell)], money: &Money) -> Option<Fraction> {
    let slot = &kpi.slots[index];
    let rate = |key: &CellKey| if is_money(kpi, slot) { money.rate(&key.currency, key.day) } else { Some(Fraction::whole(1)) };
    if let Some(sum) = kpi.additive_column(index) {
        let mut total = Fraction::whole(0);
        for (key, cell) in cells {
            total = total.plus(&rate(key)?.times(&Fraction::decimal(cell.sums[sum])));
        }
        return Some(total);
    }
    let mut texts: BTreeMap<&str, i64> = BTreeMap::new();
    let mut numbers: Vec<Fraction> = Vec::new();
    for (key, cell) in cells {
        for ((_, value), count) in cell.values.iter().filter(|((slot, _), _)| *slot == index) {
            match value {
                CellValue::Text(text) => *texts.entry(text).or_default() += count,
                CellValue::Number(number) => {
                    let converted = rate(key)?.times(&Fraction::decimal(*number));
                    numbers.extend((0..*count).map(|_| converted.clone()));
                }
            }
        }
    }
    numbers.sort_by(Fraction::compare);
    match slot.kind {
        SlotKind::CountDistinct => Some(Fraction::whole(texts.len() as i64)),
        SlotKind::Min => numbers.first().cloned(),
        SlotKind::Max => numbers.last().cloned(),
        SlotKind::Percentile(percentile) => interpolated(&numbers, percentile),
        SlotKind::Sum | SlotKind::Count => None,
    }
}

/// The value at `share × (n − 1)` of n sorted values, between two of them in proportion (percentile_cont).
fn interpolated(sorted: &[Fraction], share: Percentile) -> Option<Fraction> {
    let last = sorted.len().checked_sub(1)?;
    let scaled = last * share.numerator as usize;
    let (below, rest) = (scaled / share.denominator as usize, scaled % share.denominator as usize);
    let lower = &sorted[below];
    if rest == 0 {
        return Some(lower.clone());
    }
    let part = Fraction::new(rest.into(), share.denominator.into());
    Some(lower.plus(&part.times(&sorted[below + 1].minus(lower))))
}

/// A count of money columns is no money; everything else that reads one is.
fn is_money(kpi: &KpiDefinition, slot: &Slot) -> bool {
    let counts = matches!(slot.kind, SlotKind::Count | SlotKind::CountDistinct);
    let definition = kpi.from.definition();
    !counts && slot.contribution().is_ok_and(|expr| expr.column_refs().iter().any(|column| definition.is_money(&column.name)))
}

fn arithmetic(expression: &Arithmetic, slots: &[Option<Fraction>]) -> Option<Fraction> {
    let of = |inner: &Arithmetic| arithmetic(inner, slots);
    match expression {
        Arithmetic::Slot(index) => slots[*index].clone(),
        Arithmetic::Number(number) => Some(Fraction::new(number.numer().clone(), number.denom().clone())),
        Arithmetic::Add(a, b) => Some(of(a)?.plus(&of(b)?)),
        Arithmetic::Subtract(a, b) => Some(of(a)?.minus(&of(b)?)),
        Arithmetic::Multiply(a, b) => Some(of(a)?.times(&of(b)?)),
        Arithmetic::Divide(a, b) => of(a)?.over(&of(b)?),
        Arithmetic::Negate(a) => Some(Fraction::whole(0).minus(&of(a)?)),
    }
}

/// Exchange rates into the tenant's currency.
pub(crate) struct Money<'a> {
    currency: &'a str,
    rates: Vec<&'a Fact>,
}

impl<'a> Money<'a> {
    pub(crate) fn new(facts: &'a [Fact], currency: &'a str) -> Self {
        Self { currency, rates: facts.iter().filter(|fact| fact.table == FactTable::Rates).collect() }
    }

    /// What one unit of `from` is worth on that day; `None` where no rate says so.
    fn rate(&self, from: &str, day: i32) -> Option<Fraction> {
        if from == self.currency {
            return Some(Fraction::whole(1));
        }
        let holds = |fact: &&&Fact| {
            let pair = (fact.get("from_currency").as_text(), fact.get("to_currency").as_text());
            let started = matches!(fact.get("valid_from"), Scalar::Date(start) if *start <= day);
            let ended = matches!(fact.get("valid_to"), Scalar::Date(end) if *end <= day);
            pair == (Some(from), Some(self.currency)) && started && !ended
        };
        match self.rates.iter().find(holds)?.get("rate") {
            Scalar::Decimal(rate) => Some(Fraction::decimal(*rate)),
            _ => None,
        }
    }
}

/// An exact number; the denominator is positive.
#[derive(Debug, Clone)]
struct Fraction {
    numerator: BigInt,
    denominator: BigInt,
}

impl Fraction {
    /// In lowest terms, or sums over many cells would grow without bound.
    fn new(numerator: BigInt, denominator: BigInt) -> Self {
        let (mut divisor, mut rest) = (denominator.clone(), numerator.clone());
        while rest.sign() != Sign::NoSign {
            (divisor, rest) = (rest.clone(), divisor % rest);
        }
        if (divisor.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus) {
            divisor = -divisor;
        }
        Self { numerator: numerator / &divisor, denominator: denominator / divisor }
    }

    fn whole(number: i64) -> Self {
        Self::new(number.into(), 1.into())
    }

    fn decimal(number: Decimal6) -> Self {
        Self::new(number.0.into(), MILLION.into())
    }

    fn plus(&self, other: &Self) -> Self {
        let numerator = &self.numerator * &other.denominator + &other.numerator * &self.denominator;
        Self::new(numerator, &self.denominator * &other.denominator)
    }

    fn minus(&self, other: &Self) -> Self {
        let numerator = &self.numerator * &other.denominator - &other.numerator * &self.denominator;
        Self::new(numerator, &self.denominator * &other.denominator)
    }

    fn times(&self, other: &Self) -> Self {
        Self::new(&self.numerator * &other.numerator, &self.denominator * &other.denominator)
    }

    /// `None` by zero.
    fn over(&self, other: &Self) -> Option<Self> {
        if other.numerator.sign() == Sign::NoSign {
            return None;
        }
        Some(Self::new(&self.numerator * &other.denominator, &self.denominator * &other.numerator))
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }

    /// Rounded half away from zero to ten places, without trailing zeros.
    fn text(&self) -> String {
        let magnitude = BigInt::from_biguint(Sign::Plus, self.numerator.magnitude().clone());
        let doubled: BigInt = magnitude * 20_000_000_000_i64 + &self.denominator;
        let rounded: BigInt = doubled / (&self.denominator * 2);
        let digits = format!("{:0>11}", rounded.to_string());
        let (whole, fraction) = digits.split_at(digits.len() - 10);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        let sign = if self.numerator.sign() == Sign::Minus && rounded.sign() != Sign::NoSign { "-" } else { "" };
        format!("{sign}{whole}{point}{fraction}")
    }
}
