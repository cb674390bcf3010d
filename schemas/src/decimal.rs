//! `Decimal6`: an exact decimal with six places, the only number that money, scores and slots are made of.
//! Adding and then subtracting the same value gives back the same bits, whatever the order.

use std::{fmt, ops, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Units of 10⁻⁶ in one whole.
const ONE: i128 = 1_000_000;

/// An exact decimal, stored as an integer count of millionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal6(pub i128);

impl Decimal6 {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Amounts in events must stay below this magnitude: 10¹⁵.
    pub const EVENT_LIMIT: Self = Self(1_000_000_000_000_000 * ONE);

    /// A whole number.
    #[must_use]
    pub const fn from_int(value: i64) -> Self {
        Self(value as i128 * ONE)
    }

    /// `numerator / denominator`, rounded half away from zero to six places.
    /// The denominator must not be zero.
    #[must_use]
    pub const fn from_ratio(numerator: i64, denominator: i64) -> Self {
        let scaled = numerator as i128 * ONE;
        let half = (denominator as i128).abs() / 2;
        let sign = if (scaled < 0) == (denominator < 0) { 1 } else { -1 };
        Self(sign * ((scaled.abs() + half) / (denominator as i128).abs()))
    }
}

impl fmt::Display for Decimal6 {
    /// The shortest text: no trailing zeros, no point where there is no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.unsigned_abs() / ONE.unsigned_abs(), self.0.unsigned_abs() % ONE.unsigned_abs());
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:06}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// Why a text is not a `Decimal6`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a plain decimal number.
    #[error("{0:?} is not a decimal number like \"1200.50\"")]
    Malformed(String),
    /// More than six digits after the point.
    #[error("{0} has more than 6 decimals")]
    TooPrecise(String),
    /// The integer does not fit.
    #[error("{0} is too large")]
    TooLarge(String),
}

impl FromStr for Decimal6 {
    type Err = DecimalError;

    /// Reads `-12.5`, `12`, `12.000000`; also exponents (`1.2e3`), which JSON numbers may have.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let malformed = || DecimalError::Malformed(text.chars().take(40).collect());
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| malformed())?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let dangling = digits.contains('.') && fraction.is_empty();
        if whole.is_empty() || dangling || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        let unscaled = format!("{whole}{fraction}");
        let unscaled = unscaled.trim_start_matches('0');
        let shift = 6 + i64::from(exponent) - fraction.len() as i64;
        let value = shifted(unscaled, shift, text)?;
        Ok(Self(if negative { -value } else { value }))
    }
}

/// `digits × 10^shift` as an integer; refuses what would lose a digit.
fn shifted(digits: &str, shift: i64, text: &str) -> Result<i128, DecimalError> {
    let text = || text.chars().take(60).collect::<String>();
    if digits.is_empty() {
        return Ok(0);
    }
    if shift >= 0 {
        if digits.len() as i64 + shift > 38 {
            return Err(DecimalError::TooLarge(text()));
        }
        let value: i128 = digits.parse().map_err(|_| DecimalError::TooLarge(text()))?;
        return Ok(value * 10_i128.pow(u32::try_from(shift).unwrap_or(0)));
    }
    let dropped = usize::try_from(-shift).unwrap_or(usize::MAX).min(digits.len());
    let (kept, lost) = digits.split_at(digits.len() - dropped);
    if lost.bytes().any(|b| b != b'0') {
        return Err(DecimalError::TooPrecise(text()));
    }
    if kept.is_empty() {
        return Ok(0);
    }
    if kept.len() > 38 {
        return Err(DecimalError::TooLarge(text()));
    }
    kept.parse().map_err(|_| DecimalError::TooLarge(text()))
}

impl ops::Add for Decimal6 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl ops::AddAssign for Decimal6 {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl ops::Sub for Decimal6 {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl ops::Neg for Decimal6 {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Serialize for Decimal6 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal6 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Decimal6;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal6, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_exactly() {
        for (text, printed) in [
            ("120000.00", "120000"),
            ("-0.5", "-0.5"),
            ("1.2e3", "1200"),
            ("0.000001", "0.000001"),
            ("1.1000000", "1.1"),
            ("000", "0"),
            ("5e-7", ""),
            ("1e40", ""),
            (".5", ""),
            ("1.", ""),
            ("NaN", ""),
            ("", ""),
            ("+1", ""),
        ] {
            let read = text.parse::<Decimal6>().map(|d| d.to_string()).unwrap_or_default();
            assert_eq!(read, printed, "{text}");
        }
    }

    #[test]
    fn ratios_round_half_away_from_zero() {
        assert_eq!(Decimal6::from_ratio(1, 3), Decimal6(333_333));
        assert_eq!(Decimal6::from_ratio(-2, 3), Decimal6(-666_667));
        assert_eq!(Decimal6::from_ratio(1, 2_000_000), Decimal6(1));
        assert_eq!(Decimal6::from_ratio(-1, 2_000_000), Decimal6(-1));
    }
}
