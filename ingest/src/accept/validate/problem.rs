//! What can be wrong with an event: a closed list of codes for programs, a message for people.

use serde::Serialize;

/// What is wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not JSON.
    MalformedJson,
    /// JSON, but not an object.
    NotAnObject,
    /// A name occurs twice in one object.
    DuplicateField,
    /// A name that this type does not have.
    UnknownField,
    /// A type that does not exist.
    UnknownType,
    /// Something required is absent or null.
    MissingField,
    /// Another kind of value is expected.
    WrongType,
    /// An id or a required text without a character.
    Empty,
    /// More characters than allowed.
    TooLong,
    /// A character that an id cannot have.
    ControlCharacter,
    /// Not one of the closed set.
    NotAllowed,
    /// Not in the form that the field has: a date, an instant, a currency, a period, a number.
    BadFormat,
    /// A number below the minimum or beyond the limit, a date outside its range.
    OutOfRange,
    /// More decimals than are kept.
    TooPrecise,
    /// Fields that contradict each other.
    Contradiction,
    /// A row of a file that a mapping makes no event of.
    Unmapped,
    /// A row of a file that cannot be read.
    BrokenRow,
}

impl Code {
    /// As in answers and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateField => "duplicate_field",
            Self::UnknownField => "unknown_field",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::ControlCharacter => "control_character",
            Self::NotAllowed => "not_allowed",
            Self::BadFormat => "bad_format",
            Self::OutOfRange => "out_of_range",
            Self::TooPrecise => "too_precise",
            Self::Contradiction => "contradiction",
            Self::Unmapped => "unmapped",
            Self::BrokenRow => "broken_row",
        }
    }
}

/// One thing that is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// Which field: `occurred_at`, `data.amount`; none when it is the event as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Problem {
    pub(crate) fn of_event(code: Code, message: impl Into<String>) -> Self {
        Self { code, field: None, message: message.into() }
    }

    pub(super) fn of_field(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, field: Some(field.into()), message: message.into() }
    }
}

/// Collects everything that is wrong with one event, so that a sender mends it in one go.
#[derive(Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// Enough to mend an event by; a hostile one could otherwise name thousands of unknown fields.
    const MAX: usize = 16;

    pub(super) fn push(&mut self, problem: Problem) {
        if self.0.len() < Self::MAX {
            self.0.push(problem);
        }
    }

    /// The value, or nothing and its problem noted.
    pub(super) fn note<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(problem)).ok()
    }

    /// `value` if nothing was wrong.
    pub(super) fn or<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
