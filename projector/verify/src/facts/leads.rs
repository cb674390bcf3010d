//! leads.

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Event, payload::LeadConverted},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::set;
use crate::company::Company;

const HOUR_MS: i64 = 3_600_000;

#[derive(Default)]
struct Lead<'a> {
    created_at: Option<i64>,
    responded_at: Option<i64>,
    qualified_at: Option<i64>,
    account_id: Option<String>,
    rep_id: Option<String>,
    channel: Option<String>,
    referrer_account_id: Option<String>,
    outcome: Option<Outcome<'a>>,
}

/// The last of conversions and losses.
enum Outcome<'a> {
    Converted(i64, &'a LeadConverted),
    Lost(i64),
}

/// A row per lead that was created.
pub(crate) fn leads(company: &Company) -> Vec<Fact> {
    let lead = |(id, events): (&str, &[&Event])| {
        let lead = fold(events);
        Some(fact(company, id, &lead, lead.created_at?))
    };
    company.existing(EntityKind::Lead).filter_map(lead).collect()
}

fn fold<'a>(events: &[&'a Event]) -> Lead<'a> {
    let mut lead = Lead::default();
    for event in events {
        let at = event.envelope.occurred_at;
        match &event.data {
            Data::LeadCreated(data) => {
                lead.created_at = lead.created_at.or(Some(at));
                lead.rep_id = lead.rep_id.or_else(|| event.envelope.rep_id.clone());
                set(&mut lead.account_id, event.envelope.account_id.as_ref());
                set(&mut lead.channel, data.channel.as_ref());
                set(&mut lead.referrer_account_id, data.referrer_account_id.as_ref());
            }
            Data::LeadResponded(_) => lead.responded_at = lead.responded_at.or(Some(at)),
            Data::LeadQualified(_) => lead.qualified_at = lead.qualified_at.or(Some(at)),
            Data::LeadConverted(data) => lead.outcome = Some(Outcome::Converted(at, data)),
            Data::LeadLost(_) => lead.outcome = Some(Outcome::Lost(at)),
            _ => {}
        }
    }
    lead
}

fn fact(company: &Company, id: &str, lead: &Lead, created_at: i64) -> Fact {
    let (status, converted, lost_at) = match &lead.outcome {
        None => ("open", None, None),
        Some(Outcome::Converted(at, data)) => ("converted", Some((*at, *data)), None),
        Some(Outcome::Lost(at)) => ("lost", None, Some(*at)),
    };
    let converted_at = converted.map(|(at, _)| at);
    let response_ms = lead.responded_at.map(|at| at - created_at);
    let on = |at: Option<i64>| Scalar::maybe(at, |at| Scalar::Date(company.on(at)));
    Fact::new(
        FactTable::Leads,
        [
            ("lead_id", id.into()),
            ("account_id", Scalar::text(lead.account_id.as_deref())),
            ("rep_id", Scalar::text(lead.rep_id.as_deref())),
            ("channel", Scalar::text(lead.channel.as_deref())),
            ("referrer_account_id", Scalar::text(lead.referrer_account_id.as_deref())),
            ("status", status.into()),
            ("created_at", Scalar::Instant(created_at)),
            ("created_on", Scalar::Date(company.on(created_at))),
            ("responded_at", Scalar::maybe(lead.responded_at, Scalar::Instant)),
            ("responded_on", on(lead.responded_at)),
            ("response_ms", Scalar::maybe(response_ms, Scalar::Int)),
            ("response_hours", Scalar::maybe(response_ms, |ms| Scalar::Decimal(Decimal6::from_ratio(ms, HOUR_MS)))),
            ("qualified_at", Scalar::maybe(lead.qualified_at, Scalar::Instant)),
            ("qualified_on", on(lead.qualified_at)),
            ("converted_at", Scalar::maybe(converted_at, Scalar::Instant)),
            ("converted_on", on(converted_at)),
            ("converted_account_id", Scalar::text(converted.and_then(|(_, data)| data.account_id.as_deref()))),
            ("converted_deal_id", Scalar::text(converted.and_then(|(_, data)| data.deal_id.as_deref()))),
            ("lost_at", Scalar::maybe(lost_at, Scalar::Instant)),
            ("lost_on", on(lost_at)),
        ],
    )
}
