//! Arbitrary histories for property tests, deterministic under a seed: few ids and few instants, so that events meet;
//! duplicates, corrections (of anything), conflicts, retractions (also first), deletions, restores and merges.

mod dice;
mod organisation;
mod payloads;

use tidemark_schemas::events::{Data, Envelope, Event, payload::Retracted};

use dice::Dice;

/// Clock of ingest at the first event: 2026-05-01T00:00Z, after everything that happens in a history.
const RECEIVED_FROM_MS: i64 = 1_777_593_600_000;

/// `events` events in the order of their arrival at one ingest, whose clock never goes back. Any permutation of them must
/// lead to the same facts and cells.
#[must_use]
pub fn history(seed: u64, events: usize) -> Vec<Event> {
    let mut history = History { dice: Dice::new(seed), sent: Vec::with_capacity(events), identities: 0, clock: RECEIVED_FROM_MS };
    while history.sent.len() < events {
        let event = history.next_event();
        history.sent.push(event);
    }
    history.sent
}

struct History {
    dice: Dice,
    sent: Vec<Event>,
    identities: usize,
    clock: i64,
}

impl History {
    fn next_event(&mut self) -> Event {
        self.clock += 1_000;
        if self.sent.is_empty() {
            return self.first_of_identity();
        }
        match self.dice.below(100) {
            0..62 => self.first_of_identity(),
            62..75 => self.correction(),
            75..79 => self.conflict(),
            79..85 => self.retraction(),
            85..87 => self.retraction_before_its_event(),
            87..95 => self.duplicate(),
            _ => self.old_revision(),
        }
    }

    fn first_of_identity(&mut self) -> Event {
        self.identities += 1;
        let (source, event_id) = identity(self.identities);
        let envelope = self.envelope(source, event_id, 0);
        Event { envelope, data: self.dice.data() }
    }

    /// A higher revision with another time, account, rep, entity, amount or type.
    fn correction(&mut self) -> Event {
        let mut event = self.any_sent();
        let revision = event.envelope.revision + 1 + self.dice.below(3) as i64;
        event.envelope = Envelope { revision, retracted: false, received_at: self.clock, ..event.envelope };
        if matches!(event.data, Data::EventRetracted(_)) {
            event.data = self.dice.data();
        }
        self.changed(event)
    }

    /// The same revision with other content.
    fn conflict(&mut self) -> Event {
        let mut event = self.any_sent();
        event.envelope.received_at = self.clock;
        if matches!(event.data, Data::EventRetracted(_)) {
            event.envelope.retracted = false;
            event.data = self.dice.data();
        }
        self.changed(event)
    }

    fn retraction(&mut self) -> Event {
        let Envelope { source, event_id, revision, .. } = self.any_sent().envelope;
        let step = self.dice.one_of(&[-1, 0, 0, 1, 1, 2]);
        self.retracted(source, event_id, (revision + step).max(0))
    }

    /// Of an identity whose event may come later, or never.
    fn retraction_before_its_event(&mut self) -> Event {
        let (source, event_id) = identity(self.identities + 1 + self.dice.below(5));
        let revision = self.dice.below(3) as i64;
        self.retracted(source, event_id, revision)
    }

    /// Received again.
    fn duplicate(&mut self) -> Event {
        let mut event = self.any_sent();
        event.envelope.received_at = self.clock;
        event
    }

    /// A revision below one that was sent, with content of its own.
    fn old_revision(&mut self) -> Event {
        let mut event = self.any_sent();
        event.envelope = Envelope {
            revision: event.envelope.revision - 1 - self.dice.below(2) as i64,
            retracted: false,
            received_at: self.clock,
            ..event.envelope
        };
        event.data = self.dice.data();
        event
    }

    fn changed(&mut self, mut event: Event) -> Event {
        match self.dice.below(5) {
            0 => event.envelope.occurred_at = self.dice.instant(),
            1 => event.envelope.account_id = self.dice.account(),
            2 => event.envelope.rep_id = self.dice.rep(),
            3 => event.data = self.dice.data_of(event.data.event_type()),
            _ => event.data = self.dice.data(),
        }
        event
    }

    fn any_sent(&mut self) -> Event {
        // Mostly something recent, so that chains of revisions grow.
        let recent = self.sent.len().min(if self.dice.chance(50) { 12 } else { usize::MAX });
        self.sent[self.sent.len() - 1 - self.dice.below(recent)].clone()
    }

    fn envelope(&mut self, source: String, event_id: String, revision: i64) -> Envelope {
        let occurred_at = self.dice.instant();
        let recorded_at = self.dice.chance(60).then(|| occurred_at + self.dice.entry_delay_ms());
        Envelope {
            source,
            event_id,
            revision,
            retracted: false,
            account_id: self.dice.account(),
            rep_id: self.dice.rep(),
            occurred_at,
            recorded_at,
            received_at: self.clock,
        }
    }

    fn retracted(&mut self, source: String, event_id: String, revision: i64) -> Event {
        let (occurred_at, received_at) = (self.clock, self.clock);
        let envelope = Envelope { source, event_id, revision, retracted: true, occurred_at, received_at, ..Envelope::default() };
        Event { envelope, data: Data::EventRetracted(Retracted {}) }
    }
}

/// Two sources share event ids, which must not make them one.
fn identity(number: usize) -> (String, String) {
    let source = if number.is_multiple_of(3) { "erp" } else { "crm" };
    (source.to_owned(), format!("e{}", number / 2))
}
