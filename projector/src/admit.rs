//! Admit: decides what a record is to the numbers: new, a duplicate, a conflict, a correction or a retraction.
//! The index (source, event id) → newest revision makes that exact at any age.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tidemark_schemas::events::{Data, Entity, Event};

use crate::{
    Error,
    sabotage::Sabotage,
    settings::Settings,
    state::{Key, Space, Working},
};

/// What a record turned out to be, on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// An identity seen for the first time.
    Admitted,
    /// Known already, or older than what is known.
    Duplicate,
    /// The same revision with another content; the greater payload hash wins.
    Conflict,
    /// A higher revision.
    Correction,
    /// The same or a higher revision that takes the event back.
    Retraction,
}

impl Verdict {
    /// As stored in the `events` table.
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

/// What changes in the set of events that count.
#[derive(Debug)]
pub struct Admission {
    /// What the record is.
    pub verdict: Verdict,
    /// The event that no longer counts.
    pub removed: Option<Event>,
    /// The event that counts from now on.
    pub added: Option<Event>,
}

/// What is known of one identity.
#[derive(Serialize, Deserialize)]
struct Identity {
    rank: Rank,
    /// The earliest receipt of any of its records, whatever their verdict: when it counts as entered by default.
    received_at: i64,
    /// The entity that its event is stored under; none when retracted.
    home: Option<Entity>,
}

/// Of the records of one identity the greatest wins, so that the order of arrival cannot matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Rank {
    revision: i64,
    /// Of equal revisions a retraction wins.
    retracted: bool,
    hash: u128,
}

impl Rank {
    fn of(event: &Event) -> Self {
        let retracted = matches!(event.data, Data::EventRetracted(_));
        Self { revision: event.envelope.revision, retracted, hash: event.payload_hash() }
    }

    /// Without the content.
    fn place(self) -> (i64, bool) {
        (self.revision, self.retracted)
    }
}

/// Decides, and brings the set of events that count up to date. A stored event's `received_at` is the earliest of its
/// identity, so that when it was entered does not depend on which of its records came to count.
///
/// # Errors
/// The state cannot be read.
pub fn admit(working: &mut Working<'_>, settings: &Settings, tenant: &str, mut event: Event) -> Result<Admission, Error> {
    let key = Key::new(Space::Identity, tenant).text(&event.envelope.source).text(&event.envelope.event_id);
    let known: Option<Identity> = if settings.lacks(Sabotage::DuplicateCheck) { None } else { working.read(key.clone())? };
    let rank = Rank::of(&event);
    let verdict = verdict(known.as_ref().map(|known| known.rank), rank);
    if let Some(known) = &known {
        event.envelope.received_at = event.envelope.received_at.min(known.received_at);
    }
    let received_at = event.envelope.received_at;
    match known {
        Some(known) if rank <= known.rank && !settings.lacks(Sabotage::RevisionRule) => {
            let (removed, added) = received_earlier(working, tenant, &known, event)?;
            if received_at < known.received_at {
                working.write(key, &Identity { received_at, ..known })?;
            }
            Ok(Admission { verdict, removed, added })
        }
        known => {
            let removed = match known.and_then(|known| known.home) {
                Some(_) if settings.lacks(Sabotage::EntityMove) => None,
                Some(home) => take_event(working, tenant, &home, &event)?,
                None => None,
            };
            let home = event.entity();
            working.write(key, &Identity { rank, received_at, home: home.clone() })?;
            let added = match home {
                Some(home) => {
                    working.write(event_key(tenant, &home, &event), &event)?;
                    Some(event)
                }
                None => None,
            };
            Ok(Admission { verdict, removed, added })
        }
    }
}

fn verdict(known: Option<Rank>, new: Rank) -> Verdict {
    let newest = if new.retracted { Verdict::Retraction } else { Verdict::Correction };
    let Some(known) = known else { return if new.retracted { newest } else { Verdict::Admitted } };
    match new.place().cmp(&known.place()) {
        Ordering::Less => Verdict::Duplicate,
        Ordering::Equal if new == known => Verdict::Duplicate,
        Ordering::Equal => Verdict::Conflict,
        Ordering::Greater => newest,
    }
}

/// What changes in the event that goes on counting when a record that does not turns out to have been received before it:
/// only when it was entered, and only where it does not say so itself.
fn received_earlier(
    working: &mut Working<'_>,
    tenant: &str,
    known: &Identity,
    earlier: Event,
) -> Result<(Option<Event>, Option<Event>), Error> {
    let received_at = earlier.envelope.received_at;
    let Some(home) = known.home.as_ref().filter(|_| received_at < known.received_at) else { return Ok((None, None)) };
    let counting: Option<Event> = working.read(event_key(tenant, home, &earlier))?;
    let Some(old) = counting.filter(|event| event.envelope.recorded_at.is_none()) else { return Ok((None, None)) };
    let mut new = old.clone();
    new.envelope.received_at = received_at;
    working.write(event_key(tenant, home, &new), &new)?;
    Ok((Some(old), Some(new)))
}

fn take_event(working: &mut Working<'_>, tenant: &str, home: &Entity, identity: &Event) -> Result<Option<Event>, Error> {
    let removed = working.read(event_key(tenant, home, identity))?;
    working.remove(event_key(tenant, home, identity));
    Ok(removed)
}

fn event_key(tenant: &str, home: &Entity, event: &Event) -> Key {
    Key::new(Space::Event, tenant).entity(home).text(&event.envelope.source).text(&event.envelope.event_id)
}

/// The events of an entity that count, in no particular order.
///
/// # Errors
/// The state cannot be read.
pub fn events_of(working: &Working<'_>, tenant: &str, entity: &Entity) -> Result<Vec<Event>, Error> {
    working.scan(Key::new(Space::Event, tenant).entity(entity))
}

/// [`events_of`] an entity that had none before the batch.
///
/// # Errors
/// The batch cannot be read.
pub fn new_events_of(working: &Working<'_>, tenant: &str, entity: &Entity) -> Result<Vec<Event>, Error> {
    working.scan_written(Key::new(Space::Event, tenant).entity(entity))
}
