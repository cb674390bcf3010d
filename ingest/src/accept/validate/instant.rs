//! Points in time and days: texts become UTC milliseconds and days since 1970, in the tenant's time zone
//! where they name no offset of their own.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use tidemark_schemas::events::payload::{Date, Instant};

/// The first day that any date may name.
pub(super) const FIRST_DAY: NaiveDate = day(1970, 1, 1);
/// The last day that any date may name: the end of 16-bit days, which stores and clients use for dates.
pub(super) const LAST_DAY: NaiveDate = day(2149, 6, 6);
/// Nothing in a CRM happened before.
pub(super) const FIRST_OCCURRENCE: NaiveDate = day(1990, 1, 1);

#[expect(clippy::expect_used, reason = "evaluated when compiled")]
const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar")
}

/// A day as `2026-03-05` and nothing else.
pub(super) fn read_date(text: &str) -> Option<NaiveDate> {
    (text.len() == 10 && has_date_form(text)).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten()
}

/// Days since 1970.
pub(super) fn days_since_1970(date: NaiveDate) -> Date {
    i32::try_from(date.signed_duration_since(FIRST_DAY).num_days()).unwrap_or(Date::MAX)
}

/// `2026-03-05T16:20:00+08:00` as it stands; without an offset, or as a bare date (its first instant),
/// in the tenant's time zone. Finer than a millisecond is cut off.
pub(super) fn read_instant(text: &str, time_zone: Tz) -> Option<Instant> {
    if !has_date_form(text) {
        return None;
    }
    if text.len() == 10 {
        return Some(first_valid(read_date(text)?.and_time(NaiveTime::MIN), time_zone));
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"] {
        if let Ok(instant) = DateTime::parse_from_str(text, form) {
            return Some(instant.timestamp_millis());
        }
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(local) = NaiveDateTime::parse_from_str(text, form) {
            return Some(first_valid(local, time_zone));
        }
    }
    None
}

/// The day of an instant in the tenant's time zone.
pub(super) fn local_day(instant: Instant, time_zone: Tz) -> Option<NaiveDate> {
    Some(DateTime::<Utc>::from_timestamp_millis(instant)?.with_timezone(&time_zone).date_naive())
}

/// `dddd-dd-dd` at the start: chrono alone would also read `2026-3-5` and years of five digits.
fn has_date_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes[..10].iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
}

/// Where clocks went back the earlier of the two; where they went forward the first instant after the gap.
fn first_valid(local: NaiveDateTime, time_zone: Tz) -> Instant {
    // No zone has ever skipped more than a day, and since 1970 every gap begins and ends on a whole minute.
    let last = local.checked_add_days(Days::new(2)).unwrap_or(local);
    let mut candidate = local;
    while candidate < last {
        match time_zone.from_local_datetime(&candidate) {
            LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => return instant.timestamp_millis(),
            LocalResult::None => {
                let minute = candidate.with_second(0).and_then(|whole| whole.with_nanosecond(0)).unwrap_or(candidate);
                candidate = minute + TimeDelta::minutes(1);
            }
        }
    }
    local.and_utc().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{New_York, Sao_Paulo},
        Asia::Shanghai,
        Pacific::Apia,
    };

    use super::*;

    fn utc(text: &str, time_zone: Tz) -> String {
        let instant = read_instant(text, time_zone).and_then(DateTime::<Utc>::from_timestamp_millis);
        instant.map_or("refused".to_owned(), |instant| instant.format("%Y-%m-%dT%H:%M:%S%.3f").to_string())
    }

    #[test]
    fn offsets_win_and_the_tenants_zone_fills_in() {
        for (text, expected) in [
            ("2026-03-05T16:20:00+08:00", "2026-03-05T08:20:00.000"),
            ("2026-03-05T16:20:00.1239Z", "2026-03-05T16:20:00.123"),
            ("2026-03-05T16:20:00.000+0000", "2026-03-05T16:20:00.000"),
            ("2026-03-05T16:20Z", "2026-03-05T16:20:00.000"),
            ("2026-03-05T16:20:00", "2026-03-05T08:20:00.000"),
            ("2026-03-05 16:20", "2026-03-05T08:20:00.000"),
            ("2026-03-05", "2026-03-04T16:00:00.000"),
            ("2026-3-5", "refused"),
            ("2026-02-30", "refused"),
            ("05/03/2026", "refused"),
            ("2026-03-05T25:00:00Z", "refused"),
            ("2026-03-05T16:20:00 Shanghai", "refused"),
            ("", "refused"),
        ] {
            assert_eq!(utc(text, Shanghai), expected, "{text}");
        }
    }

    #[test]
    fn skipped_and_repeated_hours() {
        // New York, 2026-03-08 02:00 → 03:00; 2026-11-01 02:00 → 01:00.
        assert_eq!(utc("2026-03-08T02:30:15", New_York), "2026-03-08T07:00:00.000");
        assert_eq!(utc("2026-11-01T01:30:00", New_York), "2026-11-01T05:30:00.000");
        // São Paulo's days began at 01:00 when summer time did; Apia had no 2011-12-30 at all.
        assert_eq!(utc("2018-11-04", Sao_Paulo), "2018-11-04T03:00:00.000");
        assert_eq!(utc("2011-12-30", Apia), "2011-12-30T10:00:00.000");
    }
}
