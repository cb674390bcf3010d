//! What ingest adds to an event: the key's source where none was named, and the time of receipt.

use tidemark_schemas::{
    events::{Data, Event, payload::Instant},
    tenant::Access,
};

/// The event as it goes into the log.
pub(super) fn stamp(mut event: Event, access: &Access, received_at: Instant) -> Event {
    let envelope = &mut event.envelope;
    if envelope.source.is_empty() {
        envelope.source = access.source.to_string();
    }
    envelope.received_at = received_at;
    if matches!(event.data, Data::EventRetracted(_)) {
        // A retraction has no business time of its own, and Avro wants one.
        envelope.occurred_at = received_at;
    }
    event
}
