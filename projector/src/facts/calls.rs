//! Calls: one row per phone call; the last report of a call in fold order is the call.

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
        Data::CallCompleted(data) => Some((&event.envelope, data)),
        _ => None,
    }) else {
        return;
    };
    let delay = envelope.recorded_at() - envelope.occurred_at;
    folded.touch = Touch::new("call", &data.call_id, envelope);
    folded.facts.push(Fact::new(
        FactTable::Calls,
        [
            ("call_id", data.call_id.as_str().into()),
            ("account_id", Scalar::text(envelope.account_id.as_deref())),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("direction", Scalar::text(data.direction.as_deref())),
            ("duration_s", Scalar::maybe(data.duration_s, Scalar::Int)),
            ("connected", Scalar::maybe(data.connected, Scalar::Bool)),
            ("agent", Scalar::text(data.agent.as_deref())),
            ("outcome", Scalar::text(data.outcome.as_deref())),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", context.on(envelope.occurred_at)),
            ("recorded_at", Scalar::Instant(envelope.recorded_at())),
            ("recorded_on", context.on(envelope.recorded_at())),
            ("entry_delay_ms", Scalar::Int(delay)),
            ("entry_delay_hours", duration(delay, HOUR_MS)),
        ],
    ));
}
