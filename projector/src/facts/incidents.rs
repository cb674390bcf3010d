//! Incidents: one row each.

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{FoldContext, Folded};

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let Some((envelope, data)) = events.iter().rev().find_map(|event| match &event.data {
        Data::IncidentRecorded(data) => Some((&event.envelope, data)),
        _ => None,
    }) else {
        return;
    };
    folded.facts.push(Fact::new(
        FactTable::Incidents,
        [
            ("incident_id", data.incident_id.as_str().into()),
            ("kind", data.kind.as_str().into()),
            ("account_id", Scalar::text(envelope.account_id.as_deref())),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("severity", Scalar::text(data.severity.as_deref())),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", context.on(envelope.occurred_at)),
        ],
    ));
}
