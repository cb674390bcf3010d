//! Letters counted by what was wrong with them.

use std::collections::BTreeMap;

use serde::Serialize;
use tidemark_schemas::dead::DeadLetter;

use super::ledger::Entry;

/// Most causes that are told apart; unknown fields can be called anything.
const CAUSES_MAX: usize = 1_000;

/// What several letters have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    source: String,
    /// How many letters; one with several reasons is in several.
    pub(super) letters: u64,
    /// The newest of them.
    pub(super) example: Example,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Example {
    pub(super) id: String,
    /// Where it is, to learn its message.
    #[serde(skip)]
    pub(super) offset: i64,
    pub(super) message: String,
}

impl Cause {
    /// The message of its example.
    pub(super) fn learn_message(&mut self, letter: &DeadLetter) {
        let reason = letter.reasons.iter().find(|reason| reason.code == self.code && reason.field == self.field);
        self.example.message = reason.map(|reason| reason.message.clone()).unwrap_or_default();
    }
}

/// Letters by code, field and source.
#[derive(Default)]
pub(super) struct Causes(BTreeMap<(String, Option<String>, String), Cause>);

impl Causes {
    /// One more letter, newer than those before.
    pub(super) fn add(&mut self, id: &str, entry: &Entry) {
        let about = &entry.about;
        for (index, (code, field)) in about.reasons.iter().enumerate() {
            let key = (code.clone(), field.clone(), about.source.clone());
            let is_counted = about.reasons[..index].contains(&about.reasons[index]);
            if is_counted || (self.0.len() >= CAUSES_MAX && !self.0.contains_key(&key)) {
                continue;
            }
            let example = Example { id: id.to_owned(), offset: entry.offset, message: String::new() };
            let letters = self.0.get(&key).map_or(0, |cause| cause.letters) + 1;
            let (code, field, source) = key.clone();
            self.0.insert(key, Cause { code, field, source, letters, example });
        }
    }

    /// The most frequent first.
    pub(super) fn ranked(self, limit: usize) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.0.into_values().collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.letters));
        causes.truncate(limit);
        causes
    }
}
