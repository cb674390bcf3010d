//! Which events count: verdicts on arrival, and the one content that every identity has in the end.

use std::collections::BTreeMap;

use tidemark_schemas::events::{Data, Event};

/// One record of a tenant's log.
#[derive(Debug, Clone)]
pub struct LogRecord {
    /// Offset in the tenant's partition.
    pub position: i64,
    /// When the broker appended it, milliseconds UTC.
    pub known_at: i64,
    /// What it says.
    pub event: Event,
}

/// What a record was on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The first of its identity.
    Admitted,
    /// A revision that was there already, is older, or was retracted.
    Duplicate,
    /// The same revision with other content; the greater hash wins.
    Conflict,
    /// A higher revision.
    Correction,
    /// The same or a higher revision, or the first of its identity, that takes the event back.
    Retraction,
}

impl Verdict {
    /// Its name in the table `events`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Correction => "correction",
            Self::Retraction => "retraction",
        }
    }
}

/// A verdict per record, and the live events in no particular order, each with when it was entered.
pub(crate) fn admit(log: &[LogRecord]) -> (Vec<Verdict>, Vec<Event>) {
    let mut records: BTreeMap<(&str, &str), Vec<&Event>> = BTreeMap::new();
    let mut verdicts = Vec::with_capacity(log.len());
    for LogRecord { event, .. } in log {
        let known = records.entry((&event.envelope.source, &event.envelope.event_id)).or_default();
        verdicts.push(verdict(winner(known), event));
        known.push(event);
    }
    (verdicts, records.values().filter_map(|records| live(records)).collect())
}

/// The content that counts of the records of one identity.
fn winner<'a>(records: &[&'a Event]) -> Option<&'a Event> {
    records.iter().max_by_key(|event| rank(event)).copied()
}

/// The event that counts, unless it is retracted; without a word about when it was entered, that is its first receipt.
fn live(records: &[&Event]) -> Option<Event> {
    let mut event = winner(records).filter(|event| !is_retraction(event))?.clone();
    let first_receipt = records.iter().map(|record| record.envelope.received_at).min();
    event.envelope.recorded_at = event.envelope.recorded_at.or(first_receipt);
    Some(event)
}

/// The higher revision wins, of equal ones a retraction, then the greater hash.
fn rank(event: &Event) -> (i64, bool, u128) {
    (event.envelope.revision, is_retraction(event), event.payload_hash())
}

fn verdict(winner: Option<&Event>, event: &Event) -> Verdict {
    let Some(winner) = winner else {
        return if is_retraction(event) { Verdict::Retraction } else { Verdict::Admitted };
    };
    let (known, new) = (rank(winner), rank(event));
    if new == known || (new.0, new.1) < (known.0, known.1) {
        Verdict::Duplicate
    } else if (new.0, new.1) == (known.0, known.1) {
        Verdict::Conflict
    } else if new.1 {
        Verdict::Retraction
    } else {
        Verdict::Correction
    }
}

fn is_retraction(event: &Event) -> bool {
    matches!(event.data, Data::EventRetracted(_))
}
