//! What an import came to.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::columns::UnknownColumn;

/// Counts of an import, those of the runs that it continues included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows that were broken, refused by the mapping, or of which ingest refused an event.
    pub rows_refused: u64,
    /// Events that the mapping made and that were sent.
    pub events_sent: u64,
    /// Events that are in the log; duplicates count.
    pub events_accepted: u64,
    /// Events that ingest refused.
    pub events_refused: u64,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, u64>,
    /// The position token of the last batch with an accepted event.
    pub position: Option<String>,
    /// The refused rows with their reasons; none when there are none.
    pub refused_file: Option<PathBuf>,
    /// The row at which this run went on; 0 for a whole run.
    #[serde(default)]
    pub resumed_at_row: u64,
    /// How long this run took; an earlier one that it continues is not in it.
    #[serde(skip)]
    pub run_ms: u64,
    /// Columns that the mapping reads and that no row of this run has.
    #[serde(skip)]
    pub unknown_columns: Vec<UnknownColumn>,
}

/// A mapping may put a row's values into its reasons; more different ones than this are counted together.
const REASONS_MAX: usize = 50;

impl Summary {
    /// Rows of which every event is in the log, or which made none.
    #[must_use]
    pub fn rows_accepted(&self) -> u64 {
        self.rows - self.rows_refused
    }

    /// Rows that this run did in a second.
    #[must_use]
    pub fn rows_per_second(&self) -> u64 {
        (self.rows - self.resumed_at_row) * 1_000 / self.run_ms.max(1)
    }
}

/// Counts one refusal by its reason.
pub(super) fn count_reason(reasons: &mut BTreeMap<String, u64>, reason: &str) {
    let known = reasons.contains_key(reason) || reasons.len() < REASONS_MAX;
    *reasons.entry(if known { reason } else { "other reasons" }.to_owned()).or_default() += 1;
}

/// A mapping's refusal without the value that it is about, so that rows with the same mistake are counted together:
/// `"1 h" is no number` and `"2 h" is no number` are `… is no number`. What a mapping says in words of its own stays.
pub(super) fn cause(message: &str) -> String {
    const BEFORE: [&str; 5] = ["cannot use ", "cannot index ", "cannot calculate ", "the mapping made ", ""];
    let before = BEFORE.into_iter().find(|before| message.starts_with(before)).unwrap_or_default();
    let rest = &message[before.len()..];
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    let is_value = values.next().is_some_and(|value| value.is_ok());
    match &rest[values.byte_offset()..] {
        after if is_value && !after.is_empty() => format!("{before}…{after}"),
        _ => message.to_owned(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, events_accepted, events_sent, .. } = self;
        write!(f, "{} of {rows} rows accepted ({events_accepted} of {events_sent} events)", self.rows_accepted())?;
        if self.resumed_at_row > 0 {
            write!(f, ", continued at row {}", self.resumed_at_row)?;
        }
        write!(f, ", {} rows refused", self.rows_refused)?;
        if self.run_ms > 0 {
            let tenths = self.run_ms.div_ceil(100);
            write!(f, "; {}.{} s, {} rows/s", tenths / 10, tenths % 10, self.rows_per_second())?;
        }
        for (reason, count) in &self.reasons {
            write!(f, "\n  {count} × {reason}")?;
        }
        for unknown in &self.unknown_columns {
            write!(f, "\n  {unknown}")?;
        }
        match &self.refused_file {
            Some(file) => write!(f, "\n  refused rows: {}", file.display()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn one_cause_whatever_the_value() {
        for (message, expected) in [
            (r#""1 h" is no number"#, "… is no number"),
            (r#""a \"b\"" is no date or time as "%d""#, r#"… is no date or time as "%d""#),
            (r#"cannot index {"a":[1]} with "b""#, r#"cannot index … with "b""#),
            (r#"the mapping made 7, which is no event object"#, "the mapping made …, which is no event object"),
            ("no visit", "no visit"),
            ("2026-03 is closed", "2026-03 is closed"),
            (r#"teams has no column "x""#, r#"teams has no column "x""#),
            ("\"7\"", "\"7\""),
            ("", ""),
        ] {
            assert_eq!(cause(message), expected);
        }
    }
}
