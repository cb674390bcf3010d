//! surveys, activities, incidents, ratings and appeals: what one event says, the last where several say it.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, EntityKind, Event,
        payload::{ActivityCompleted, AppealFiled, RatingGiven, SurveyAnswered},
    },
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{deals::Deal, touches::Touch};
use crate::company::Company;

/// A row per existing entity of a kind whose last defining event `row` makes one from.
fn last_of_each<'a>(
    company: &Company<'a>,
    kind: EntityKind,
    row: impl Fn(&str, &'a Event, &[&'a Event]) -> Option<Fact>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (id, events) in company.existing(kind) {
        facts.extend(events.iter().rev().find_map(|event| row(id, event, events)));
    }
    facts
}

/// Answers; the account is the answer's own, else the deal's, else the visit's.
pub(crate) fn surveys(company: &Company, deals: &BTreeMap<String, Deal>, visits: &BTreeMap<String, Touch>) -> Vec<Fact> {
    last_of_each(company, EntityKind::Survey, |id, event, _| {
        let Data::SurveyAnswered(data) = &event.data else { return None };
        let deal = data.deal_id.as_ref().and_then(|deal_id| deals.get(deal_id));
        let visit = data.visit_id.as_ref().and_then(|visit_id| visits.get(visit_id));
        let own = event.envelope.account_id.as_deref();
        let account = own.or(deal.and_then(|deal| deal.terms.account_id.as_deref()));
        let account = account.or(visit.and_then(Touch::account_id));
        Some(survey(company, id, event, data, account, deal))
    })
}

fn survey(
    company: &Company,
    id: &str,
    event: &Event,
    data: &SurveyAnswered,
    account_id: Option<&str>,
    deal: Option<&Deal>,
) -> Fact {
    let envelope = &event.envelope;
    let default_max = (data.kind == "nps").then(|| Decimal6::from_int(10));
    Fact::new(
        FactTable::Surveys,
        [
            ("survey_id", id.into()),
            ("kind", data.kind.as_str().into()),
            ("account_id", Scalar::text(account_id)),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("deal_id", Scalar::text(data.deal_id.as_deref())),
            ("visit_id", Scalar::text(data.visit_id.as_deref())),
            ("product", Scalar::text(deal.and_then(|deal| deal.terms.product.as_deref()))),
            ("score", Scalar::Decimal(data.score)),
            ("max_score", Scalar::maybe(data.max_score.or(default_max), Scalar::Decimal)),
            ("responded_at", Scalar::Instant(envelope.occurred_at)),
            ("responded_on", Scalar::Date(company.on(envelope.occurred_at))),
        ],
    )
}

/// Activities; the account is the activity's own, else the deal's.
pub(crate) fn activities(company: &Company, deals: &BTreeMap<String, Deal>) -> Vec<Fact> {
    last_of_each(company, EntityKind::Activity, |id, event, _| {
        let Data::ActivityCompleted(data) = &event.data else { return None };
        let deal = data.deal_id.as_ref().and_then(|deal_id| deals.get(deal_id));
        Some(activity(company, id, event, data, deal))
    })
}

fn activity(company: &Company, id: &str, event: &Event, data: &ActivityCompleted, deal: Option<&Deal>) -> Fact {
    let envelope = &event.envelope;
    let account_id = envelope.account_id.as_deref().or(deal.and_then(|deal| deal.terms.account_id.as_deref()));
    Fact::new(
        FactTable::Activities,
        [
            ("activity_id", id.into()),
            ("kind", data.kind.as_str().into()),
            ("account_id", Scalar::text(account_id)),
            ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
            ("deal_id", Scalar::text(data.deal_id.as_deref())),
            ("product", Scalar::text(deal.and_then(|deal| deal.terms.product.as_deref()))),
            ("outcome", Scalar::text(data.outcome.as_deref())),
            ("score", Scalar::maybe(data.score, Scalar::Decimal)),
            ("max_score", Scalar::maybe(data.max_score, Scalar::Decimal)),
            ("occurred_at", Scalar::Instant(envelope.occurred_at)),
            ("occurred_on", Scalar::Date(company.on(envelope.occurred_at))),
        ],
    )
}

/// Incidents.
pub(crate) fn incidents(company: &Company) -> Vec<Fact> {
    last_of_each(company, EntityKind::Incident, |id, event, _| {
        let Data::IncidentRecorded(data) = &event.data else { return None };
        let envelope = &event.envelope;
        Some(Fact::new(
            FactTable::Incidents,
            [
                ("incident_id", id.into()),
                ("kind", data.kind.as_str().into()),
                ("account_id", Scalar::text(envelope.account_id.as_deref())),
                ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
                ("severity", Scalar::text(data.severity.as_deref())),
                ("occurred_at", Scalar::Instant(envelope.occurred_at)),
                ("occurred_on", Scalar::Date(company.on(envelope.occurred_at))),
            ],
        ))
    })
}

/// Ratings.
pub(crate) fn ratings(company: &Company) -> Vec<Fact> {
    last_of_each(company, EntityKind::Rating, |id, event, _| match &event.data {
        Data::RatingGiven(data) => Some(rating(company, id, event.envelope.occurred_at, data)),
        _ => None,
    })
}

fn rating(company: &Company, id: &str, occurred_at: i64, data: &RatingGiven) -> Fact {
    Fact::new(
        FactTable::Ratings,
        [
            ("rating_id", id.into()),
            ("cycle", data.cycle.as_str().into()),
            ("rep_id", data.subject_rep_id.as_str().into()),
            ("rater_id", data.rater_id.as_str().into()),
            ("relation", data.relation.as_str().into()),
            ("dimension", data.dimension.as_str().into()),
            ("score", Scalar::Decimal(data.score)),
            ("max_score", Scalar::Decimal(data.max_score)),
            ("occurred_at", Scalar::Instant(occurred_at)),
            ("occurred_on", Scalar::Date(company.on(occurred_at))),
        ],
    )
}

/// Appeals with the last decision on them.
pub(crate) fn appeals(company: &Company) -> Vec<Fact> {
    last_of_each(company, EntityKind::Appeal, |id, event, events| match &event.data {
        Data::AppealFiled(data) => Some(appeal(company, id, event.envelope.occurred_at, data, events)),
        _ => None,
    })
}

fn appeal(company: &Company, id: &str, filed_at: i64, data: &AppealFiled, events: &[&Event]) -> Fact {
    let mut decision = None;
    for event in events {
        match &event.data {
            Data::AppealUpheld(_) => decision = Some(("upheld", event.envelope.occurred_at)),
            Data::AppealRejected(_) => decision = Some(("rejected", event.envelope.occurred_at)),
            _ => {}
        }
    }
    let decided_at = decision.map(|(_, at)| at);
    Fact::new(
        FactTable::Appeals,
        [
            ("appeal_id", id.into()),
            ("kpi", data.kpi.as_str().into()),
            ("rep_id", data.rep_id.as_str().into()),
            ("period", data.period.as_str().into()),
            ("status", decision.map_or("filed", |(status, _)| status).into()),
            ("filed_at", Scalar::Instant(filed_at)),
            ("filed_on", Scalar::Date(company.on(filed_at))),
            ("decided_at", Scalar::maybe(decided_at, Scalar::Instant)),
            ("decided_on", Scalar::maybe(decided_at, |at| Scalar::Date(company.on(at)))),
        ],
    )
}
