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
    /// A revision that was there already, or is older.
    Duplicate,
    /// The same revision with other content; the greater hash wins.
    Conflict,
    /// A higher revision.
    Correction,
    /// A higher revision, or the first of its identity, that takes the event back.
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

/// A verdict per record, and the live events in no particular order.
pub(crate) fn admit(log: &[LogRecord]) -> (Vec<Verdict>, Vec<&Event>) {
    let mut winners: BTreeMap<(&str, &str), &Event> = BTreeMap::new();
    let mut verdicts = Vec::with_capacity(log.len());
    for LogRecord { event, .. } in log {
        let identity = (event.envelope.source.as_str(), event.envelope.event_id.as_str());
        let winner = winners.get(&identity).copied();
        verdicts.push(verdict(winner, event));
        if winner.is_none_or(|winner| rank(event) > rank(winner)) {
            winners.insert(identity, event);
        }
    }
    (verdicts, winners.into_values().filter(|event| !is_retraction(event)).collect())
}

/// Of the contents of one identity, the greatest wins.
fn rank(event: &Event) -> (i64, u128) {
    (event.envelope.revision, event.payload_hash())
}

fn verdict(winner: Option<&Event>, event: &Event) -> Verdict {
    let Some(winner) = winner else {
        return if is_retraction(event) { Verdict::Retraction } else { Verdict::Admitted };
    };
    if event.envelope.revision < winner.envelope.revision || rank(event) == rank(winner) {
        Verdict::Duplicate
    } else if event.envelope.revision == winner.envelope.revision {
        Verdict::Conflict
    } else if is_retraction(event) {
        Verdict::Retraction
    } else {
        Verdict::Correction
    }
}

fn is_retraction(event: &Event) -> bool {
    matches!(event.data, Data::EventRetracted(_))
}
