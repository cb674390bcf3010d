//! How days come together in periods. A period is named by its first day; weeks begin on Monday.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate, Weekday};

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
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

    /// The first day of the period of `day`; of `all` there is one period, whose first day is the same for every day.
    pub(crate) fn first_day(self, day: NaiveDate) -> NaiveDate {
        let of_month = |month| NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day);
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).first_day(),
            Self::Month => of_month(day.month()),
            Self::Quarter => of_month(day.month0() / 3 * 3 + 1),
            Self::Year => of_month(1),
            Self::All => NaiveDate::default(),
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
