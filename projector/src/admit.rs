//! Admit: decides what a record is to the numbers: new, a duplicate, a conflict, a correction or a retraction.
//! The index (source, event id) → newest revision makes that exact at any age.

use serde::{Deserialize, Serialize};
use tidemark_schemas::events::{Data, Entity, Event};

use crate::{
    Error,
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
    /// A revision that takes the event back.
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
    revision: i64,
    hash: u128,
    /// The entity that its event is stored under; none when retracted.
    home: Option<Entity>,
}

/// Decides, and brings the set of events that count up to date.
///
/// # Errors
/// The state cannot be read.
pub fn admit(working: &mut Working<'_>, tenant: &str, event: Event) -> Result<Admission, Error> {
    let key = || Key::new(Space::Identity, tenant).text(&event.envelope.source).text(&event.envelope.event_id);
    let known: Option<Identity> = working.read(key())?;
    let hash = event.payload_hash();
    let (verdict, wins) = decide(known.as_ref(), &event, hash);
    if !wins {
        return Ok(Admission { verdict, removed: None, added: None });
    }
    let removed = match known.and_then(|known| known.home) {
        Some(home) => take_event(working, tenant, &home, &event)?,
        None => None,
    };
    let home = event.entity();
    working.write(key(), &Identity { revision: event.envelope.revision, hash, home: home.clone() })?;
    let added = match home {
        Some(home) => {
            working.write(event_key(tenant, &home, &event), &event)?;
            Some(event)
        }
        None => None,
    };
    Ok(Admission { verdict, removed, added })
}

/// The verdict, and whether the event takes the place of what is known.
fn decide(known: Option<&Identity>, event: &Event, hash: u128) -> (Verdict, bool) {
    let is_retraction = matches!(event.data, Data::EventRetracted(_));
    let newest = if is_retraction { Verdict::Retraction } else { Verdict::Correction };
    match known {
        None if is_retraction => (Verdict::Retraction, true),
        None => (Verdict::Admitted, true),
        Some(known) => match event.envelope.revision.cmp(&known.revision) {
            std::cmp::Ordering::Less => (Verdict::Duplicate, false),
            std::cmp::Ordering::Equal if hash == known.hash => (Verdict::Duplicate, false),
            std::cmp::Ordering::Equal => (Verdict::Conflict, hash > known.hash),
            std::cmp::Ordering::Greater => (newest, true),
        },
    }
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
