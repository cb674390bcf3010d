//! How days come together in periods. A period is named by its first day; weeks begin on Monday.

use std::str::FromStr;

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Grain {
    /// One business day.
    Day,
    /// Monday to Sunday.
    Week,
    /// Of the calendar.
    Month,
    /// Of the calendar.
    Quarter,
    /// Of the calendar.
    Year,
    /// Everything asked for.
    All,
}

impl Grain {
    /// Every grain by name.
    pub(crate) const NAMES: &str = "day, week, month, quarter, year, all";

    /// The period of `day` in ClickHouse's SQL, a Date32.
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "subtractDays(day, toDayOfWeek(day) - 1)",
            Self::Month => "toStartOfMonth(day)",
            Self::Quarter => "toStartOfQuarter(day)",
            Self::Year => "toStartOfYear(day)",
            Self::All => "toDate32('1970-01-01')",
        }
    }
}

impl FromStr for Grain {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            "all" => Self::All,
            _ => return Err(()),
        })
    }
}
