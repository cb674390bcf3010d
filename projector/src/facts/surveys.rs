//! Surveys: one row per answer; customer and product also through the deal or visit it is about.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{column, first, last},
};
use crate::Error;

/// The best answer to "how likely are you to recommend us", which nobody sends along.
const NPS_MAX: Decimal6 = Decimal6::from_int(10);

pub fn fold(events: &[Event], context: &mut FoldContext<'_, '_>, folded: &mut Folded) -> Result<(), Error> {
    let report = last(events, |data| if let Data::SurveyAnswered(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return Ok(()) };
    let deal = context.parent(EntityKind::Deal, data.deal_id.as_deref())?;
    let visit = context.parent(EntityKind::Visit, data.visit_id.as_deref())?;
    let of_deal = column(deal.as_deref(), "account_id");
    let of_parents = if of_deal == Scalar::Null { column(visit.as_deref(), "account_id") } else { of_deal };
    let max_score = data.max_score.or((data.kind == "nps").then_some(NPS_MAX));
    folded.add(Fact::new(
        FactTable::Surveys,
        [
            ("survey_id", data.survey_id.as_str().into()),
            ("kind", data.kind.as_str().into()),
            ("account_id", first(envelope.account_id.as_deref(), of_parents)),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("deal_id", Scalar::text(data.deal_id.as_deref())),
            ("visit_id", Scalar::text(data.visit_id.as_deref())),
            ("product", column(deal.as_deref(), "product")),
            ("score", Scalar::Decimal(data.score)),
            ("max_score", Scalar::maybe(max_score, Scalar::Decimal)),
            ("responded_at", Scalar::Instant(envelope.occurred_at)),
            ("responded_on", context.on(envelope.occurred_at)),
        ],
    ));
    Ok(())
}
