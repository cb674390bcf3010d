//! How events reach the CRM and leave it: entered soon or late, sent once or twice, corrected and taken back. Gives them
//! out in the order of their arrival.

use std::{cmp::Ordering, collections::BinaryHeap};

use tidemark_schemas::events::{Data, Envelope, Event, payload::Retracted};

use super::{chance::Chance, corrections::corrected};

/// Of a thousand events, how many are imperfect in which way.
const LATE: u32 = 100;
const DUPLICATED: u32 = 50;
const CORRECTED: u32 = 20;
const RETRACTED: u32 = 5;

const MINUTE_MS: f64 = 60_000.0;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;
const DAY_MS: f64 = 24.0 * HOUR_MS;

const SOURCE: &str = "simulated";

#[derive(Default)]
pub(super) struct Outbox {
    waiting: BinaryHeap<Arrival>,
    /// Events given in so far, imperfections included.
    pub(super) sent: u64,
    identities: u64,
    /// Nothing arrives later.
    end_ms: i64,
}

struct Arrival {
    at: i64,
    number: u64,
    event: Event,
}

impl Outbox {
    pub(super) fn new(end_ms: i64) -> Self {
        Self { end_ms, ..Self::default() }
    }

    /// Sends an event as a CRM does: see the constants above. `accounts` is how many there are to be confused with.
    pub(super) fn send(&mut self, chance: &mut Chance, event: (Option<String>, Option<String>, i64, Data), accounts: usize) {
        let occurred_at = event.2;
        let delay_ms = if chance.per_mille(LATE) {
            DAY_MS + chance.exponential(3.0 * DAY_MS)
        } else {
            chance.exponential(40.0 * MINUTE_MS).min(10.0 * HOUR_MS)
        };
        let recorded_at = occurred_at + delay_ms as i64;
        let event = self.identified(event, recorded_at);
        if chance.per_mille(DUPLICATED) {
            let again = recorded_at + 1 + chance.exponential(6.0 * HOUR_MS) as i64;
            self.arrive(again, event.clone());
        }
        if chance.per_mille(CORRECTED) {
            let later = recorded_at + chance.exponential(2.0 * DAY_MS) as i64 + 1;
            self.arrive(later, corrected(chance, event.clone(), accounts));
        }
        if chance.per_mille(RETRACTED) {
            let later = recorded_at + chance.exponential(2.0 * DAY_MS) as i64 + 1;
            self.arrive(later, retracted(&event));
        }
        self.arrive(recorded_at, event);
    }

    /// Sends what is entered at once and by somebody who takes care.
    pub(super) fn send_perfect(&mut self, event: (Option<String>, Option<String>, i64, Data)) {
        let at = event.2;
        let event = self.identified(event, at);
        self.arrive(at, event);
    }

    fn identified(&mut self, event: (Option<String>, Option<String>, i64, Data), recorded_at: i64) -> Event {
        let (account_id, rep_id, occurred_at, data) = event;
        self.identities += 1;
        let envelope = Envelope {
            source: SOURCE.to_owned(),
            event_id: format!("sim-{}", self.identities),
            account_id,
            rep_id,
            occurred_at,
            recorded_at: Some(recorded_at),
            ..Envelope::default()
        };
        Event { envelope, data }
    }

    fn arrive(&mut self, at: i64, mut event: Event) {
        // What would come after the last day comes on it: the number of events is part of the order.
        let at = at.min(self.end_ms - 1);
        event.envelope.received_at = at;
        self.sent += 1;
        self.waiting.push(Arrival { at, number: self.sent, event });
    }

    /// The next event that arrives before an instant.
    pub(super) fn next_before(&mut self, at: i64) -> Option<Event> {
        self.waiting.peek().filter(|arrival| arrival.at < at)?;
        self.waiting.pop().map(|arrival| arrival.event)
    }
}

fn retracted(event: &Event) -> Event {
    let Envelope { source, event_id, revision, .. } = event.envelope.clone();
    // Above any correction.
    let envelope = Envelope { source, event_id, revision: revision + 9, retracted: true, ..Envelope::default() };
    Event { envelope, data: Data::EventRetracted(Retracted {}) }
}

impl Ord for Arrival {
    /// The earliest is the greatest, which a heap gives out first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Arrival {}
