//! Activities: trainings, contract reviews, success cases, …; customer and product also through their deal.

use tidemark_schemas::{
    events::{Data, EntityKind, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{column, first, last},
};
use crate::Error;

pub fn fold(events: &[Event], context: &mut FoldContext<'_, '_>, folded: &mut Folded) -> Result<(), Error> {
    let report = last(events, |data| if let Data::ActivityCompleted(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return Ok(()) };
    let deal = context.parent(EntityKind::Deal, data.deal_id.as_deref())?;
    folded.add(Fact::new(
        FactTable::Activities,
        [
            ("activity_id", data.activity_id.as_str().into()),
            ("kind", data.kind.as_str().into()),
            ("account_id", first(envelope.account_id.as_deref(), column(deal.as_deref(), "account_id"))),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("deal_id", Scalar::text(data.deal_id.as_deref())),
            ("product", column(deal.as_deref(), "product")),
            ("outcome", Scalar::text(data.outcome.as_deref())),
            ("score", Scalar::maybe(data.score, Scalar::Decimal)),
            ("max_score", Scalar::maybe(data.max_score, Scalar::Decimal)),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", context.on(envelope.occurred_at)),
        ],
    ));
    Ok(())
}
