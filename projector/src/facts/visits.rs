//! Visits: one row per visit; the last report of a visit in fold order is the visit.

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{HOUR_MS, duration},
    touches::Touch,
};

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let Some((envelope, data)) = events.iter().rev().find_map(|event| match &event.data {
        Data::VisitCompleted(data) => Some((&event.envelope, data)),
        _ => None,
    }) else {
        return;
    };
    let delay = envelope.recorded_at() - envelope.occurred_at;
    folded.touch = Touch::new("visit", &data.visit_id, envelope);
    folded.facts.push(Fact::new(
        FactTable::Visits,
        [
            ("visit_id", data.visit_id.as_str().into()),
            ("account_id", Scalar::text(envelope.account_id.as_deref())),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("purpose", Scalar::text(data.purpose.as_deref())),
            ("mode", Scalar::text(data.mode.as_deref())),
            ("duration_min", Scalar::maybe(data.duration_min, Scalar::Int)),
            ("met_decision_maker", Scalar::maybe(data.met_decision_maker, Scalar::Bool)),
            ("next_step_on", Scalar::maybe(data.next_step_on, Scalar::Date)),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", context.on(envelope.occurred_at)),
            ("recorded_at", Scalar::Instant(envelope.recorded_at())),
            ("recorded_on", context.on(envelope.recorded_at())),
            ("entry_delay_ms", Scalar::Int(delay)),
            ("entry_delay_hours", duration(delay, HOUR_MS)),
        ],
    ));
}
