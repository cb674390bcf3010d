//! A typed event becomes the bytes of its record.

use tidemark_schemas::events::{Event, wire};

use super::Rejection;
use crate::publish::SchemaIds;

/// # Errors
/// 500 when an event that validation let through does not fit its schema: a fault of ours, and nothing is published.
pub(crate) fn encode(event: &Event, ids: &SchemaIds) -> Result<Vec<u8>, Rejection> {
    let mut encoded = wire::encode(event).map_err(|error| {
        tracing::error!(%error, "an event that was valid cannot be encoded");
        Rejection::ours(format!("{error}; nothing was kept, please report this"))
    })?;
    ids.stamp(event.data.event_type(), &mut encoded);
    Ok(encoded)
}
