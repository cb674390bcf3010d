//! Ratings: one row per rater, person, dimension and cycle.

use tidemark_schemas::{
    events::{Data, Entity, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{FoldContext, Folded, context::last};

pub fn fold(entity: &Entity, events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let report = last(events, |data| if let Data::RatingGiven(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return };
    folded.add(Fact::new(
        FactTable::Ratings,
        [
            ("rating_id", entity.id.as_str().into()),
            ("cycle", data.cycle.as_str().into()),
            ("rep_id", data.subject_rep_id.as_str().into()),
            ("rater_id", data.rater_id.as_str().into()),
            ("relation", data.relation.as_str().into()),
            ("dimension", data.dimension.as_str().into()),
            ("score", Scalar::Decimal(data.score)),
            ("max_score", Scalar::Decimal(data.max_score)),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", context.on(envelope.occurred_at)),
        ],
    ));
}
