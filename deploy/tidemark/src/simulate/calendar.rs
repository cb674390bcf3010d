//! Working days and working hours in the tenant's time zone.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Weekday};
use chrono_tz::Tz;

use super::chance::Chance;

const MINUTE_MS: i64 = 60_000;
/// Minutes of the day: from nine to twelve, and from half past one to half past six.
const MORNING: (i64, i64) = (540, 720);
const AFTERNOON: (i64, i64) = (810, 1110);

/// The days that are simulated.
pub(super) struct Calendar {
    pub(super) time_zone: Tz,
    first: NaiveDate,
    days: u32,
    is_weekend_only: bool,
}

impl Calendar {
    pub(super) fn new(time_zone: Tz, first: NaiveDate, days: u32) -> Self {
        let is_weekend_only = first.iter_days().take(days.max(1) as usize).all(is_weekend);
        Self { time_zone, first, days: days.max(1), is_weekend_only }
    }

    pub(super) fn first(&self) -> NaiveDate {
        self.first
    }

    pub(super) fn last(&self) -> NaiveDate {
        self.first + Days::new(u64::from(self.days - 1))
    }

    /// Monday to Friday; every day where nothing but a weekend is simulated.
    pub(super) fn is_working(&self, date: NaiveDate) -> bool {
        self.is_weekend_only || !is_weekend(date)
    }

    /// How many working days there are from a day on, that day included.
    pub(super) fn working_days_from(&self, date: NaiveDate) -> usize {
        date.iter_days().take_while(|day| *day <= self.last()).filter(|day| self.is_working(*day)).count()
    }

    /// The first instant after the last day.
    pub(super) fn end_ms(&self) -> i64 {
        self.at(self.last() + Days::new(1), 0)
    }

    /// An instant by day and minute of the day on the tenant's clocks.
    pub(super) fn at(&self, date: NaiveDate, minute: i64) -> i64 {
        let midnight = date.and_time(NaiveTime::MIN);
        let offset = self.time_zone.offset_from_utc_datetime(&midnight);
        let local = self.time_zone.from_local_datetime(&midnight).earliest();
        // Where clocks skip midnight, the offset of a few hours before is near enough.
        let start = local.map_or_else(
            || (midnight - chrono::Offset::fix(&offset)).and_utc().timestamp_millis(),
            |local| local.timestamp_millis(),
        );
        start + minute * MINUTE_MS
    }

    /// Some instant in the working hours of a day.
    pub(super) fn working_time(&self, chance: &mut Chance, date: NaiveDate) -> i64 {
        let (from, to) = if chance.percent(45) { MORNING } else { AFTERNOON };
        self.at(date, from) + chance.between(0, (to - from) * MINUTE_MS)
    }

    /// Some instant in working hours, about so many days later but at least on the next working day.
    pub(super) fn days_later(&self, chance: &mut Chance, at_ms: i64, days: f64) -> i64 {
        let later = self.date_of(at_ms) + Days::new(days.max(1.0).round() as u64);
        let date = later.iter_days().find(|date| self.is_working(*date)).unwrap_or(later);
        self.working_time(chance, date)
    }

    /// The tenant's date at an instant.
    pub(super) fn date_of(&self, at_ms: i64) -> NaiveDate {
        DateTime::from_timestamp_millis(at_ms).map_or(self.first, |at| at.with_timezone(&self.time_zone).date_naive())
    }

    /// Days since 1970-01-01 of an instant's date, so many days later.
    pub(super) fn day_number(&self, at_ms: i64, days_later: u64) -> i32 {
        day_number(self.date_of(at_ms) + Days::new(days_later))
    }
}

/// Days since 1970-01-01.
pub(super) fn day_number(date: NaiveDate) -> i32 {
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}
