//! Leads: from created to converted or lost; the first answer counts for the response time.

use tidemark_schemas::{
    events::{Data, Envelope, Event, payload::LeadConverted},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{HOUR_MS, duration},
};

/// How a lead ended.
enum Ending<'a> {
    Converted(&'a LeadConverted),
    Lost,
}

pub fn fold(events: &[Event], context: &FoldContext<'_, '_>, folded: &mut Folded) {
    let created = || {
        events.iter().filter_map(|event| match &event.data {
            Data::LeadCreated(data) => Some((&event.envelope, data)),
            _ => None,
        })
    };
    let Some((first, data)) = created().next() else { return };
    let first_at =
        |wanted: fn(&Data) -> bool| events.iter().find(|event| wanted(&event.data)).map(|event| event.envelope.occurred_at);
    let responded_at = first_at(|data| matches!(data, Data::LeadResponded(_)));
    let qualified_at = first_at(|data| matches!(data, Data::LeadQualified(_)));
    let (status, conversion, converted_at, lost_at) = match ending(events) {
        None => ("open", None, None, None),
        Some((envelope, Ending::Converted(data))) => ("converted", Some(data), Some(envelope.occurred_at), None),
        Some((envelope, Ending::Lost)) => ("lost", None, None, Some(envelope.occurred_at)),
    };
    let response_ms = responded_at.map(|at| at - first.occurred_at);
    let on = |at: Option<i64>| Scalar::maybe(at, |at| context.on(at));
    folded.add(Fact::new(
        FactTable::Leads,
        [
            ("lead_id", data.lead_id.as_str().into()),
            ("account_id", Scalar::text(created().filter_map(|(envelope, _)| envelope.account_id.as_deref()).next_back())),
            ("rep_id", Scalar::text(created().find_map(|(envelope, _)| envelope.rep_id.as_deref()))),
            ("channel", Scalar::text(created().filter_map(|(_, data)| data.channel.as_deref()).next_back())),
            (
                "referrer_account_id",
                Scalar::text(created().filter_map(|(_, data)| data.referrer_account_id.as_deref()).next_back()),
            ),
            ("status", status.into()),
            ("created_at", Scalar::Instant(first.occurred_at)),
            ("created_on", context.on(first.occurred_at)),
            ("responded_at", Scalar::maybe(responded_at, Scalar::Instant)),
            ("responded_on", on(responded_at)),
            ("response_ms", Scalar::maybe(response_ms, Scalar::Int)),
            ("response_hours", Scalar::maybe(response_ms, |ms| duration(ms, HOUR_MS))),
            ("qualified_at", Scalar::maybe(qualified_at, Scalar::Instant)),
            ("qualified_on", on(qualified_at)),
            ("converted_at", Scalar::maybe(converted_at, Scalar::Instant)),
            ("converted_on", on(converted_at)),
            ("converted_account_id", Scalar::text(conversion.and_then(|data| data.account_id.as_deref()))),
            ("converted_deal_id", Scalar::text(conversion.and_then(|data| data.deal_id.as_deref()))),
            ("lost_at", Scalar::maybe(lost_at, Scalar::Instant)),
            ("lost_on", on(lost_at)),
        ],
    ));
}

/// The last ending in fold order.
fn ending(events: &[Event]) -> Option<(&Envelope, Ending<'_>)> {
    events.iter().rev().find_map(|event| match &event.data {
        Data::LeadConverted(data) => Some((&event.envelope, Ending::Converted(data))),
        Data::LeadLost(_) => Some((&event.envelope, Ending::Lost)),
        _ => None,
    })
}
