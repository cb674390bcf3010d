//! What a KPI does with its slots once they are summed: exact rationals, rounded only when printed.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};

use crate::decimal::Decimal6;

/// An exact number.
pub type Ratio = BigRational;

/// Decimal places of an answer.
const ANSWER_PLACES: u32 = 10;

/// Arithmetic on slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arithmetic {
    /// The slot of that index.
    Slot(usize),
    /// A number written in the file.
    Number(Ratio),
    /// Sum.
    Add(Box<Self>, Box<Self>),
    /// Difference.
    Subtract(Box<Self>, Box<Self>),
    /// Product.
    Multiply(Box<Self>, Box<Self>),
    /// Quotient; by zero it is NULL.
    Divide(Box<Self>, Box<Self>),
    /// The opposite.
    Negate(Box<Self>),
}

impl Arithmetic {
    /// The value for these slots; `None` is NULL and spreads.
    #[must_use]
    pub fn evaluate(&self, slots: &[Option<Ratio>]) -> Option<Ratio> {
        match self {
            Self::Slot(index) => slots.get(*index).cloned().flatten(),
            Self::Number(number) => Some(number.clone()),
            Self::Add(a, b) => Some(a.evaluate(slots)? + b.evaluate(slots)?),
            Self::Subtract(a, b) => Some(a.evaluate(slots)? - b.evaluate(slots)?),
            Self::Multiply(a, b) => Some(a.evaluate(slots)? * b.evaluate(slots)?),
            Self::Divide(a, b) => {
                let (dividend, divisor) = (a.evaluate(slots)?, b.evaluate(slots)?);
                (!divisor.is_zero()).then(|| dividend / divisor)
            }
            Self::Negate(a) => Some(-a.evaluate(slots)?),
        }
    }
}

/// A slot's decimal as an exact number.
#[must_use]
pub fn exact(value: Decimal6) -> Ratio {
    Ratio::new(BigInt::from(value.0), BigInt::from(1_000_000))
}

/// An exact number as decimal text, rounded half away from zero to 10 places, without trailing zeros.
#[must_use]
pub fn round_text(value: &Ratio) -> String {
    let scale = BigInt::from(10).pow(ANSWER_PLACES);
    // `round` of a rational goes half away from zero.
    let scaled = (value * Ratio::from_integer(scale.clone())).round().to_integer();
    let sign = if scaled.is_negative() { "-" } else { "" };
    let (whole, fraction) = (scaled.abs() / &scale, scaled.abs() % &scale);
    if fraction.is_zero() {
        return format!("{sign}{whole}");
    }
    let digits = format!("{:0>width$}", fraction.to_string(), width = ANSWER_PLACES as usize);
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// `numerator / denominator` as [`round_text`]; `None` by zero.
#[must_use]
pub fn quotient_text(numerator: i64, denominator: i64) -> Option<String> {
    (denominator != 0).then(|| round_text(&Ratio::new(numerator.into(), denominator.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_round_half_away_from_zero_at_ten_places() {
        for (numerator, denominator, text) in [
            (4238, 6711, "0.6315005215"),
            (1, 3, "0.3333333333"),
            (-2, 3, "-0.6666666667"),
            (10, 2, "5"),
            (1, 20_000_000_000, "0.0000000001"),
            (-1, 20_000_000_000, "-0.0000000001"),
            (1, 30_000_000_000, "0"),
        ] {
            assert_eq!(quotient_text(numerator, denominator).as_deref(), Some(text));
        }
        assert_eq!(quotient_text(1, 0), None);
    }

    #[test]
    fn division_by_zero_and_null_are_null() {
        let ratio = Arithmetic::Divide(Box::new(Arithmetic::Slot(0)), Box::new(Arithmetic::Slot(1)));
        let one = Some(Ratio::from_integer(1.into()));
        assert_eq!(ratio.evaluate(&[one.clone(), Some(Ratio::zero())]), None);
        assert_eq!(ratio.evaluate(&[None, one.clone()]), None);
        assert_eq!(ratio.evaluate(&[one.clone(), one.clone()]), one);
    }
}
