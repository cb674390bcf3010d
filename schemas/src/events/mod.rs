//! Events: the envelope, the closed list of types, and what each type says about which entity.
//! JSON validation against tenant settings is ingest's; folding is the projector's.

pub mod definition;
mod entity;
mod event_type;
pub mod payload;
pub mod wire;

pub use entity::{Entity, EntityKind};
pub use event_type::{Data, EventType};
use serde::{Deserialize, Serialize};

/// The part of an event that every type has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Envelope {
    /// The system that reports; part of the identity.
    pub source: String,
    /// The source's own id of the event, at most 128 characters; part of the identity.
    pub event_id: String,
    /// Orders corrections of one identity; the higher replaces the lower.
    pub revision: i64,
    /// This revision takes the event back.
    pub retracted: bool,
    /// The customer it is about.
    pub account_id: Option<String>,
    /// The seller it is about.
    pub rep_id: Option<String>,
    /// Business time, milliseconds UTC.
    pub occurred_at: payload::Instant,
    /// When it was entered in the CRM, where the source said so; see [`Envelope::recorded_at`].
    pub recorded_at: Option<payload::Instant>,
    /// Ingest's clock.
    pub received_at: payload::Instant,
}

impl Envelope {
    /// When the event was entered in the CRM: as sent, or the time of receipt. Of an event that was sent several times
    /// that is the first receipt, which whoever folds puts into `received_at`.
    #[must_use]
    pub fn recorded_at(&self) -> payload::Instant {
        self.recorded_at.unwrap_or(self.received_at)
    }
}

/// One immutable report from a CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Who, when, which revision.
    pub envelope: Envelope,
    /// What.
    pub data: Data,
}

impl Event {
    /// Decides between two contents of one revision: a retraction wins over what is none, else the greater hash, in whatever
    /// order they arrive.
    /// Covers the event as sent: neither defaults nor `received_at`.
    #[must_use]
    pub fn payload_hash(&self) -> u128 {
        let mut envelope = Envelope { received_at: 0, ..self.envelope.clone() };
        if matches!(self.data, Data::EventRetracted(_)) {
            // A retraction is its identity and revision; whatever else came along does not tell two of them apart.
            envelope = Envelope {
                source: envelope.source,
                event_id: envelope.event_id,
                revision: envelope.revision,
                ..Envelope::default()
            };
        }
        // Canonical because the order of fields is fixed and decimals print in one way only.
        let text = serde_json::to_vec(&(envelope, &self.data)).unwrap_or_default();
        xxhash_rust::xxh3::xxh3_128(&text)
    }
}
