//! Incidents: one row each.

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{FoldContext, Folded, context::last};

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let report = last(events, |data| if let Data::IncidentRecorded(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return };
    folded.add(Fact::new(
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
