//! Periods as people write them: a year, a quarter, a month, an ISO week.

use chrono::{Datelike, NaiveDate, Weekday};

/// Days from 0001-01-01 (day 1 of chrono's count) to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// From a day to the day after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day, days since 1970-01-01.
    pub first: i32,
    /// First day after.
    pub end: i32,
}

impl Period {
    /// Reads `2026`, `2026-Q1`, `2026-03` or `2026-W10`, from 1970 to 2148.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_once('-').map_or((text, None), |(year, rest)| (year, Some(rest)));
        if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let year: i32 = year.parse().ok().filter(|year| (1970..=2148).contains(year))?;
        match rest {
            None => Self::months(year, 1, 12),
            Some(rest) => match (rest.strip_prefix('Q'), rest.strip_prefix('W')) {
                (Some(quarter), _) => Self::months(year, number(quarter, 1, 4)? * 3 - 2, 3),
                (_, Some(week)) => {
                    let monday = NaiveDate::from_isoywd_opt(year, number(week, 2, 53)?, Weekday::Mon)?;
                    Some(Self { first: days(monday), end: days(monday) + 7 })
                }
                (None, None) => Self::months(year, number(rest, 2, 12)?, 1),
            },
        }
    }

    fn months(year: i32, month: u32, count: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(Self { first: days(first), end: days(first.checked_add_months(chrono::Months::new(count))?) })
    }
}

/// A number from 1 of exactly so many digits.
fn number(text: &str, digits: usize, max: u32) -> Option<u32> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| plain && (1..=max).contains(number))
}

fn days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_DAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_half_open() {
        let span = |text: &str| Period::parse(text).map(|period| (period.first, period.end - period.first));
        assert_eq!(span("1970"), Some((0, 365)));
        assert_eq!(span("2024-Q1"), Some((19723, 91)));
        assert_eq!(span("2024-02"), Some((19754, 29)));
        assert_eq!(span("1970-W02"), Some((4, 7)));
        for wrong in
            ["", "26", "2026-", "2026-13", "2026-3", "2026-Q5", "2026-W54", "2026-W53x", "1969", "2026-03-01", "2025-W53"]
        {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }
}
