//! Admit: decides what a record is to the numbers: new, a duplicate, a conflict, a correction or a retraction.
//! The index (source, event id) → newest revision makes that exact at any age.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use tidemark_schemas::events::{Data, Entity, Event};

use crate::{
    Error,
    facts::EntityState,
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

impl Admission {
    /// The entities whose events change.
    #[must_use]
    pub fn entities(&self) -> Vec<Entity> {
        let mut entities: Vec<Entity> = self.removed.iter().chain(&self.added).filter_map(Event::entity).collect();
        entities.dedup();
        entities
    }

    /// Brings the events of an entity that count up to date; whether they are others now. Doing it again changes nothing.
    pub fn apply(&self, entity: &Entity, events: &mut Vec<Event>) -> bool {
        let before = events.len();
        let concerns = |event: &&Event| event.entity().as_ref() == Some(entity);
        if let Some(removed) = self.removed.as_ref().filter(concerns) {
            events.retain(|event| !is_same(event, removed));
        }
        if let Some(added) = self.added.as_ref().filter(concerns) {
            events.retain(|event| !is_same(event, added));
            events.push(added.clone());
            return true;
        }
        events.len() != before
    }
}

/// Whether two events have one identity.
fn is_same(one: &Event, other: &Event) -> bool {
    one.envelope.event_id == other.envelope.event_id && one.envelope.source == other.envelope.source
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

/// Decides what changes in the set of events that count. The `received_at` of one that counts is the earliest of its
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
            let (removed, added) = received_earlier(working, tenant, &known, &event)?;
            if received_at < known.received_at {
                working.write(key, &Identity { received_at, ..known })?;
            }
            Ok(Admission { verdict, removed, added })
        }
        known => {
            let removed = match known.and_then(|known| known.home) {
                Some(_) if settings.lacks(Sabotage::EntityMove) => None,
                Some(home) => counting(working, tenant, &home, &event)?,
                None => None,
            };
            let home = event.entity();
            let added = home.is_some().then_some(event);
            working.write(key, &Identity { rank, received_at, home })?;
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
    working: &Working<'_>,
    tenant: &str,
    known: &Identity,
    earlier: &Event,
) -> Result<(Option<Event>, Option<Event>), Error> {
    let received_at = earlier.envelope.received_at;
    let Some(home) = known.home.as_ref().filter(|_| received_at < known.received_at) else { return Ok((None, None)) };
    let counting = counting(working, tenant, home, earlier)?;
    let Some(old) = counting.filter(|event| event.envelope.recorded_at.is_none()) else { return Ok((None, None)) };
    let mut new = old.clone();
    new.envelope.received_at = received_at;
    Ok((Some(old), Some(new)))
}

/// The event of an identity that counts.
fn counting(working: &Working<'_>, tenant: &str, home: &Entity, identity: &Event) -> Result<Option<Event>, Error> {
    let entity: Option<EntityState> = working.read(Key::new(Space::Entity, tenant).entity(home))?;
    Ok(entity.and_then(|entity| entity.events.into_iter().find(|event| is_same(event, identity))))
}
