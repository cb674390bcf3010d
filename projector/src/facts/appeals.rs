//! Appeals: the last filing and the last decision.

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{FoldContext, Folded, context::last};

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let report = last(events, |data| if let Data::AppealFiled(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return };
    let decision = events.iter().rev().find_map(|event| match event.data {
        Data::AppealUpheld(_) => Some(("upheld", event.envelope.occurred_at)),
        Data::AppealRejected(_) => Some(("rejected", event.envelope.occurred_at)),
        _ => None,
    });
    let decided_at = decision.map(|(_, at)| at);
    folded.add(Fact::new(
        FactTable::Appeals,
        [
            ("appeal_id", data.appeal_id.as_str().into()),
            ("kpi", data.kpi.as_str().into()),
            ("rep_id", data.rep_id.as_str().into()),
            ("period", data.period.as_str().into()),
            ("status", decision.map_or("filed", |(status, _)| status).into()),
            ("filed_at", Scalar::Instant(envelope.occurred_at)),
            ("filed_on", context.on(envelope.occurred_at)),
            ("decided_at", Scalar::maybe(decided_at, Scalar::Instant)),
            ("decided_on", Scalar::maybe(decided_at, |at| context.on(at))),
        ],
    ));
}
