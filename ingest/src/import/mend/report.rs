//! What became of the letters that somebody dealt with.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use super::{
    super::{
        columns::UnknownColumn,
        summary::{cause, count_reason},
    },
    Reason,
};

/// Refusals that are shown, beside the count of every reason.
const REFUSALS_SHOWN: usize = 5;

/// Counts of a replay or of dropping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MendReport {
    /// What was done with the letters: `replayed`, `dropped`, or what would be.
    pub verb: &'static str,
    /// Letters looked at.
    pub letters: u64,
    /// Letters that were replayed, would be, or were dropped.
    pub done: u64,
    /// Letters that somebody had dealt with before.
    pub already: u64,
    /// Letters that are still refused, and stay as they were.
    pub refused: u64,
    /// Ids that no letter has.
    pub not_found: u64,
    /// Events of the replayed letters, by type.
    pub events: BTreeMap<String, u64>,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, u64>,
    /// The first refusals, with id and reason.
    pub first_refusals: Vec<String>,
    /// Where the last event is.
    pub position: Option<String>,
    /// Columns that the mapping reads and no letter's row has.
    pub unknown_columns: Vec<UnknownColumn>,
}

/// Ingest's answer about several letters.
#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    letters: Vec<Outcome>,
    position: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    id: String,
    outcome: String,
    accepted: BTreeMap<String, u64>,
    refused: Vec<Reason>,
}

impl Answered {
    pub(super) fn letters(&self) -> usize {
        self.letters.len()
    }
}

impl MendReport {
    pub(super) fn add(&mut self, answered: Answered) {
        self.position = answered.position.or(self.position.take());
        for letter in answered.letters {
            self.letters += 1;
            match letter.outcome.as_str() {
                "replayed" | "would_be_replayed" | "dropped" => self.done += 1,
                "not_found" => self.not_found += 1,
                "refused" => self.count_refused(&letter.id, &letter.refused),
                _ => self.already += 1,
            }
            for (event_type, count) in letter.accepted {
                *self.events.entry(event_type).or_default() += count;
            }
        }
    }

    /// A letter of which the mapping makes nothing.
    pub(super) fn add_unmapped(&mut self, id: &str, message: String) {
        self.letters += 1;
        self.count_refused(id, &[Reason { code: cause(&message), field: None, message }]);
    }

    fn count_refused(&mut self, id: &str, reasons: &[Reason]) {
        self.refused += 1;
        for Reason { code, field, .. } in reasons {
            let reason = field.as_ref().map_or(code.clone(), |field| format!("{code} {field}"));
            count_reason(&mut self.reasons, &reason);
        }
        if let Some(first) = reasons.first().filter(|_| self.first_refusals.len() < REFUSALS_SHOWN) {
            self.first_refusals.push(format!("{id}: {}", first.message));
        }
    }
}

impl fmt::Display for MendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} letters {}", self.done, self.letters, self.verb)?;
        for (count, what) in [(self.already, "were dealt with before"), (self.not_found, "are not there")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for (event_type, count) in &self.events {
            write!(f, "\n  {count} × {event_type}")?;
        }
        if self.refused > 0 {
            write!(f, "\nstill refused: {}, by reason", self.refused)?;
        }
        for (reason, count) in &self.reasons {
            write!(f, "\n  {count} × {reason}")?;
        }
        for refusal in &self.first_refusals {
            write!(f, "\n  {refusal}")?;
        }
        for unknown in &self.unknown_columns {
            write!(f, "\n{unknown}")?;
        }
        Ok(())
    }
}
