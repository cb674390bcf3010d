//! Calls: one row per phone call; the last report of a call in fold order is the call.

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::last,
    touches::{self, Touch},
};

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let report = last(events, |data| if let Data::CallCompleted(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return };
    folded.touch = Touch::new("call", &data.call_id, envelope);
    let own = [
        ("call_id", data.call_id.as_str().into()),
        ("direction", Scalar::text(data.direction.as_deref())),
        ("duration_s", Scalar::maybe(data.duration_s, Scalar::Int)),
        ("connected", Scalar::maybe(data.connected, Scalar::Bool)),
        ("agent", Scalar::text(data.agent.as_deref())),
        ("outcome", Scalar::text(data.outcome.as_deref())),
    ];
    folded.add(Fact::new(FactTable::Calls, own.into_iter().chain(touches::columns(envelope, context))));
}
