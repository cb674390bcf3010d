//! From the texts that ClickHouse sends to a KPI's value, by exact rationals all the way.

use datafusion::logical_expr::Expr;
use num_bigint::BigInt;
use num_traits::{One, Zero};
use tidemark_schemas::kpi::{KpiDefinition, Percentile, Ratio, SlotKind, round_text};

use crate::Error;

/// The value of a KPI for the slots of one row; `None` is NULL.
///
/// # Errors
/// A slot that is no decimal.
pub(crate) fn value(kpi: &KpiDefinition, slots: &[Vec<String>]) -> Result<Option<String>, Error> {
    let slots = kpi.slots.iter().zip(slots).map(|(slot, texts)| match (slot.kind, texts.as_slice()) {
        (SlotKind::Percentile(share), [n, lower, upper]) => percentile(share, n, lower, upper),
        (_, [text]) if text.is_empty() => Ok(None),
        (_, [text]) => ratio(text).map(Some),
        (_, texts) => Err(Error::Unexpected(format!("slot {texts:?} of {}", kpi.name))),
    });
    let slots = slots.collect::<Result<Vec<Option<Ratio>>, Error>>()?;
    Ok(kpi.arithmetic.evaluate(&slots).as_ref().map(round_text))
}

/// Between its two neighbours, as SQL's percentile_cont does: at (n − 1) · p of the sorted values, counted from 0.
fn percentile(share: Percentile, n: &str, lower: &str, upper: &str) -> Result<Option<Ratio>, Error> {
    let n: u64 = n.parse().map_err(|_| Error::Unexpected(format!("{n:?} values of a percentile")))?;
    if n == 0 {
        return Ok(None);
    }
    Ok(Some(between(share, n, ratio(lower)?, ratio(upper)?)))
}

/// A percentile of `n` values, at least one, between the two that it lies between.
pub(crate) fn between(share: Percentile, n: u64, lower: Ratio, upper: Ratio) -> Ratio {
    let place = Ratio::new(BigInt::from(n - 1) * share.numerator, share.denominator.into());
    let above = &place - place.floor();
    &lower + (upper - &lower) * above
}

/// The value of a KPI where nothing counts: an empty sum is 0, and there is no median of nothing.
pub(crate) fn of_nothing(kpi: &KpiDefinition) -> Option<String> {
    let slots: Vec<_> = kpi
        .slots
        .iter()
        .map(|slot| match slot.kind {
            SlotKind::Sum | SlotKind::Count | SlotKind::CountDistinct => Some(Ratio::zero()),
            SlotKind::Min | SlotKind::Max | SlotKind::Percentile(_) => None,
        })
        .collect();
    kpi.arithmetic.evaluate(&slots).as_ref().map(round_text)
}

/// A decimal text as an exact number.
///
/// # Errors
/// It is none.
pub(crate) fn ratio(text: &str) -> Result<Ratio, Error> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let unscaled: BigInt =
        format!("{whole}{fraction}").parse().map_err(|_| Error::Unexpected(format!("{text:?} is no decimal")))?;
    let places = u32::try_from(fraction.len()).map_err(|_| Error::Unexpected(format!("{text:?} is too long")))?;
    let one = if places == 0 { BigInt::one() } else { BigInt::from(10).pow(places) };
    Ok(Ratio::new(unscaled, one))
}

/// Whether a slot holds money itself. Counts beside it carry the currency of their facts but have no rate.
pub(crate) fn is_money_slot(kpi: &KpiDefinition, slot: usize) -> bool {
    let Some(slot) = kpi.slots.get(slot).filter(|_| kpi.is_money) else { return false };
    if matches!(slot.kind, SlotKind::Count | SlotKind::CountDistinct) {
        return false;
    }
    let Ok(contribution) = slot.contribution() else { return false };
    // With a filter the contribution is CASE WHEN filter THEN value; the filter's columns do not make it money.
    let measured = match &contribution {
        Expr::Case(case) => case.when_then_expr.first().map_or(&contribution, |(_, then)| then.as_ref()),
        other => other,
    };
    measured.column_refs().iter().any(|column| kpi.from.definition().is_money(&column.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_exactly() {
        let of = |numerator, denominator, n: &str, lower: &str, upper: &str| {
            let share = Percentile { numerator, denominator };
            percentile(share, n, lower, upper).unwrap().as_ref().map(round_text)
        };
        assert_eq!(of(1, 2, "4", "1", "2").as_deref(), Some("1.5"));
        assert_eq!(of(1, 2, "3", "2", "3").as_deref(), Some("2"));
        assert_eq!(of(9, 10, "5", "4", "10").as_deref(), Some("7.6"));
        assert_eq!(of(9, 10, "0", "0", "0"), None);
        assert_eq!(of(1, 1, "2", "-1.5", "-1.5").as_deref(), Some("-1.5"));
    }

    #[test]
    fn decimals_of_any_length_are_exact() {
        for (text, printed) in
            [("-0.5", "-0.5"), ("12", "12"), ("123456789012345678901234567890.123456", "123456789012345678901234567890.123456")]
        {
            assert_eq!(round_text(&ratio(text).unwrap()), printed);
        }
        assert!(ratio("1e5").is_err());
    }
}
