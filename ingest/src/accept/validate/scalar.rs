//! One field's value: from JSON text to the form that Avro has, checked against the field's definition.

use std::borrow::Cow;

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;
use serde_json::{Value, value::RawValue};
use tidemark_schemas::{
    decimal::{Decimal6, DecimalError},
    events::definition::{FieldDefinition, FieldKind, TextFormat},
    events::payload::Instant,
    tenant::is_currency,
};

use super::{
    instant::{FIRST_DAY, LAST_DAY, days_since_1970, local_day, read_date, read_instant},
    problem::{Code, Problem},
};

/// Most characters of an id.
pub(super) const ID_CHARS_MAX: usize = 128;
/// Most characters of any other text.
pub(super) const TEXT_CHARS_MAX: usize = 4_000;

/// A JSON value that is not an object or an array.
enum Sent<'a> {
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
    Other(&'static str),
}

impl<'a> Sent<'a> {
    fn read(json: &'a RawValue) -> Self {
        let text = json.get();
        match text.as_bytes().first() {
            Some(b'"') => serde_json::from_str(text)
                .map_or(Self::Other("a text with broken escapes"), |text: String| Self::Text(text.into())),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'{') => Self::Other("an object"),
            Some(b'[') => Self::Other("an array"),
            Some(b'n') | None => Self::Other("null"),
            Some(_) => Self::Number(text),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }
}

/// A named value on its way in.
pub(super) struct Field<'a> {
    /// As problems name it: `occurred_at`, `data.amount`.
    pub(super) name: &'a str,
    pub(super) json: &'a RawValue,
}

impl Field<'_> {
    fn problem(&self, code: Code, message: impl std::fmt::Display) -> Problem {
        Problem::of_field(code, self.name, format!("{} {message}", self.name))
    }

    fn wrong_type(&self, expected: &str) -> Problem {
        self.problem(Code::WrongType, format!("is {}, expected {expected}", Sent::read(self.json).kind()))
    }

    pub(super) fn text(&self) -> Result<String, Problem> {
        match Sent::read(self.json) {
            Sent::Text(text) => Ok(text.into_owned()),
            _ => Err(self.wrong_type("a text")),
        }
    }

    /// 1 to 128 characters, none of them a control character.
    pub(super) fn id(&self) -> Result<String, Problem> {
        let id = self.text()?;
        if id.trim().is_empty() {
            return Err(self.problem(Code::Empty, "is empty: an id has 1 to 128 characters"));
        }
        if id.chars().nth(ID_CHARS_MAX).is_some() {
            return Err(self.problem(Code::TooLong, format!("has more than {ID_CHARS_MAX} characters")));
        }
        if id.chars().any(char::is_control) {
            return Err(self.problem(Code::ControlCharacter, "has a control character, which an id cannot have"));
        }
        Ok(id)
    }

    pub(super) fn bool(&self) -> Result<bool, Problem> {
        match Sent::read(self.json) {
            Sent::Bool(value) => Ok(value),
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// A whole number; `90.0` and `9e1` are whole too.
    pub(super) fn int(&self) -> Result<i64, Problem> {
        let Sent::Number(text) = Sent::read(self.json) else { return Err(self.wrong_type("a whole number")) };
        if let Ok(value) = text.parse() {
            return Ok(value);
        }
        let value: Decimal6 = text.parse().map_err(|error| self.not_a_decimal(&error))?;
        let whole = i64::try_from(value.0 / Decimal6::from_int(1).0).ok().filter(|whole| Decimal6::from_int(*whole) == value);
        whole.ok_or_else(|| self.problem(Code::WrongType, format!("is {text:.40}, expected a whole number")))
    }

    /// A decimal text, or a JSON number, which is read from its digits and never through a float.
    fn decimal(&self) -> Result<Decimal6, Problem> {
        let sent = Sent::read(self.json);
        let digits = match &sent {
            Sent::Text(text) => text.as_ref(),
            Sent::Number(digits) => digits,
            _ => return Err(self.wrong_type("a decimal like \"1200.50\"")),
        };
        let value: Decimal6 = digits.parse().map_err(|error| self.not_a_decimal(&error))?;
        if value >= Decimal6::EVENT_LIMIT || -value >= Decimal6::EVENT_LIMIT {
            return Err(self.problem(Code::OutOfRange, "is 10^15 or more, which is beyond what is kept"));
        }
        Ok(value)
    }

    fn not_a_decimal(&self, error: &DecimalError) -> Problem {
        let code = match error {
            DecimalError::Malformed(_) => Code::BadFormat,
            DecimalError::TooPrecise(_) => Code::TooPrecise,
            DecimalError::TooLarge(_) => Code::OutOfRange,
        };
        self.problem(code, format!("is no number that can be kept: {error}"))
    }

    fn date(&self) -> Result<NaiveDate, Problem> {
        let text = self.text()?;
        let date = read_date(&text)
            .ok_or_else(|| self.problem(Code::BadFormat, format!("is {:?}, expected a day like \"2026-03-05\"", shown(&text))))?;
        self.within(date).map(|()| date)
    }

    /// A point in time whose day lies in the range that dates have.
    pub(super) fn instant(&self, time_zone: Tz) -> Result<Instant, Problem> {
        let text = self.text()?;
        let instant = read_instant(&text, time_zone).ok_or_else(|| {
            let expected = "expected an instant like \"2026-03-05T16:20:00+08:00\" or a day like \"2026-03-05\"";
            self.problem(Code::BadFormat, format!("is {:?}, {expected}", shown(&text)))
        })?;
        self.within(local_day(instant, time_zone).unwrap_or(NaiveDate::MAX)).map(|()| instant)
    }

    fn within(&self, date: NaiveDate) -> Result<(), Problem> {
        if (FIRST_DAY..=LAST_DAY).contains(&date) {
            return Ok(());
        }
        Err(self.problem(Code::OutOfRange, format!("is on {date}: dates lie in {FIRST_DAY} to {LAST_DAY}")))
    }

    pub(super) fn out_of_range(&self, message: impl std::fmt::Display) -> Problem {
        self.problem(Code::OutOfRange, message)
    }

    /// The value in its Avro form: days, milliseconds, decimal texts.
    pub(super) fn value(&self, definition: &FieldDefinition, time_zone: Tz) -> Result<Value, Problem> {
        Ok(match definition.kind {
            FieldKind::Text if is_id(&definition.name) => self.id()?.into(),
            FieldKind::Text => self.defined_text(definition)?.into(),
            FieldKind::Bool => self.bool()?.into(),
            FieldKind::Int => {
                let value = self.int()?;
                self.at_least(definition.minimum, Decimal6::from_int(value))?;
                value.into()
            }
            FieldKind::Decimal => {
                let value = self.decimal()?;
                self.at_least(definition.minimum, value)?;
                value.to_string().into()
            }
            FieldKind::Date => days_since_1970(self.date()?).into(),
            FieldKind::Instant => self.instant(time_zone)?.into(),
        })
    }

    fn at_least(&self, minimum: Option<Decimal6>, value: Decimal6) -> Result<(), Problem> {
        match minimum {
            Some(minimum) if value < minimum => {
                Err(self.problem(Code::OutOfRange, format!("is {value}, expected at least {minimum}")))
            }
            _ if value >= Decimal6::EVENT_LIMIT || -value >= Decimal6::EVENT_LIMIT => {
                Err(self.problem(Code::OutOfRange, "is 10^15 or more, which is beyond what is kept"))
            }
            _ => Ok(()),
        }
    }

    fn defined_text(&self, definition: &FieldDefinition) -> Result<String, Problem> {
        let text = self.text()?;
        if definition.required && text.trim().is_empty() {
            return Err(self.problem(Code::Empty, "is empty but required"));
        }
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(self.problem(Code::TooLong, format!("has more than {TEXT_CHARS_MAX} characters")));
        }
        if let Some(allowed) = definition.one_of.as_ref().filter(|allowed| !allowed.contains(&text)) {
            return Err(self.problem(Code::NotAllowed, format!("is {:?}, expected one of {}", shown(&text), allowed.join(", "))));
        }
        match definition.format {
            Some(TextFormat::Currency) if !is_currency(&text) => {
                Err(self.problem(Code::BadFormat, format!("is {:?}, expected an ISO 4217 code like \"CNY\"", shown(&text))))
            }
            Some(TextFormat::Period) if !is_period(&text) => {
                let expected = "expected a period: 2026, 2026-Q1, 2026-03 or 2026-W10";
                Err(self.problem(Code::BadFormat, format!("is {:?}, {expected}", shown(&text))))
            }
            _ => Ok(text),
        }
    }
}

/// Enough of a text to recognise it by.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Ids, and the texts that natural keys are made of.
fn is_id(name: &str) -> bool {
    name.ends_with("_id") || matches!(name, "id" | "into" | "cycle" | "kpi" | "rule")
}

/// A year, a quarter, a month or an ISO week, within the range of dates.
fn is_period(text: &str) -> bool {
    let (year, part) = text.split_once('-').map_or((text, None), |(year, part)| (year, Some(part)));
    let Some(year) = digits::<4>(year).and_then(|year| i32::try_from(year).ok()).filter(|year| (1970..2149).contains(year))
    else {
        return false;
    };
    match part {
        None => true,
        Some("Q1" | "Q2" | "Q3" | "Q4") => true,
        Some(part) => match part.strip_prefix('W') {
            Some(week) => digits::<2>(week).is_some_and(|week| NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).is_some()),
            None => digits::<2>(part).is_some_and(|month| (1..=12).contains(&month)),
        },
    }
}

/// A number of exactly `N` digits.
fn digits<const N: usize>(text: &str) -> Option<u32> {
    (text.len() == N && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        for period in ["2026", "2026-Q1", "2026-12", "2026-W01", "2026-W53"] {
            assert!(is_period(period), "{period}");
        }
        for no_period in
            ["", "26", "2026-", "2026-Q5", "2026-13", "2026-00", "2026-3", "2025-W53", "2026-W00", "2026-Q1-", "1900", "+026"]
        {
            assert!(!is_period(no_period), "{no_period}");
        }
    }
}
