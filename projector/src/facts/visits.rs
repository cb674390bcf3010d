//! Visits: one row per visit; the last report of a visit in fold order is the visit.

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
    let report = last(events, |data| if let Data::VisitCompleted(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return };
    folded.touch = Touch::new("visit", &data.visit_id, envelope);
    let own = [
        ("visit_id", data.visit_id.as_str().into()),
        ("purpose", Scalar::text(data.purpose.as_deref())),
        ("mode", Scalar::text(data.mode.as_deref())),
        ("duration_min", Scalar::maybe(data.duration_min, Scalar::Int)),
        ("met_decision_maker", Scalar::maybe(data.met_decision_maker, Scalar::Bool)),
        ("next_step_on", Scalar::maybe(data.next_step_on, Scalar::Date)),
    ];
    folded.add(Fact::new(FactTable::Visits, own.into_iter().chain(touches::columns(envelope, context))));
}
