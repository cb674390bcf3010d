//! deals and deal_stages.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    deal_course::{Course, Stay},
    set,
};
use crate::company::Company;

const DAY_MS: i64 = 86_400_000;

/// A deal that exists.
pub(crate) struct Deal {
    pub(crate) id: String,
    pub(crate) rep_id: Option<String>,
    pub(crate) currency: String,
    pub(crate) terms: Terms,
    pub(crate) course: Course,
    opened_at: i64,
}

/// What the last event that says it says.
#[derive(Default)]
pub(crate) struct Terms {
    pub(crate) account_id: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) amount: Option<Decimal6>,
    kind: Option<String>,
    currency: Option<String>,
    expected_close_on: Option<i32>,
    expires_on: Option<i32>,
}

/// Deals by id.
pub(crate) fn deals(company: &Company) -> BTreeMap<String, Deal> {
    let fold = |(id, events): (&str, &[&Event])| Some((id.to_owned(), deal(company, id, events)?));
    company.existing(EntityKind::Deal).filter_map(fold).collect()
}

fn deal(company: &Company, id: &str, events: &[&Event]) -> Option<Deal> {
    let opened: Vec<&&Event> = events.iter().filter(|event| matches!(event.data, Data::DealOpened(_))).collect();
    let course = Course::of(events, company.stages);
    let opener = opened.iter().find_map(|event| event.envelope.rep_id.clone());
    let terms = terms(events);
    Some(Deal {
        id: id.to_owned(),
        rep_id: course.reassigned_to.clone().or(opener),
        currency: terms.currency.clone().unwrap_or_else(|| company.tenant.currency.clone()),
        terms,
        course,
        opened_at: opened.first()?.envelope.occurred_at,
    })
}

/// What the last opening or amendment that names an account names, else the last `deal.*` event that does.
fn account(events: &[&Event]) -> Option<String> {
    let is_of_deal = |event: &&&Event| event.data.event_type().name().starts_with("deal.");
    let of_deal = events.iter().filter(is_of_deal);
    let naming: Vec<&&Event> = of_deal.filter(|event| event.envelope.account_id.is_some()).collect();
    let defines = |event: &&&&Event| matches!(event.data, Data::DealOpened(_) | Data::DealAmended(_));
    let last = naming.iter().rev().find(defines).or(naming.last())?;
    last.envelope.account_id.clone()
}

fn terms(events: &[&Event]) -> Terms {
    let mut terms = Terms { account_id: account(events), ..Terms::default() };
    for event in events {
        match &event.data {
            Data::DealOpened(data) => {
                set(&mut terms.kind, data.kind.as_ref());
                set(&mut terms.product, data.product.as_ref());
                set(&mut terms.amount, data.amount.as_ref());
                set(&mut terms.currency, data.currency.as_ref());
                set(&mut terms.expected_close_on, data.expected_close_on.as_ref());
                set(&mut terms.expires_on, data.expires_on.as_ref());
            }
            Data::DealAmended(data) => {
                set(&mut terms.kind, data.kind.as_ref());
                set(&mut terms.product, data.product.as_ref());
                set(&mut terms.amount, data.amount.as_ref());
                set(&mut terms.currency, data.currency.as_ref());
                set(&mut terms.expected_close_on, data.expected_close_on.as_ref());
                set(&mut terms.expires_on, data.expires_on.as_ref());
            }
            Data::DealWon(data) => {
                set(&mut terms.amount, data.amount.as_ref());
                set(&mut terms.currency, data.currency.as_ref());
            }
            _ => {}
        }
    }
    terms
}

impl Deal {
    /// When it was won, if it is.
    pub(crate) fn won_at(&self) -> Option<i64> {
        self.course.closing.filter(|closing| closing.is_won).map(|closing| closing.at)
    }

    /// Its row, and a row per stay in a stage.
    pub(crate) fn facts(&self, company: &Company) -> Vec<Fact> {
        let stays = self.course.stays.iter().zip(1_i64..);
        let stays = stays.map(|(stay, number)| self.stay_fact(company, stay, number));
        std::iter::once(self.fact(company)).chain(stays).collect()
    }

    fn fact(&self, company: &Company) -> Fact {
        let terms = &self.terms;
        let closing = self.course.closing;
        let status = closing.map_or("open", |closing| if closing.is_won { "won" } else { "lost" });
        let closed_at = closing.map(|closing| closing.at);
        let stay = self.course.stays.last();
        let entered_at = stay.map(|stay| stay.entered_at);
        let cycle_ms = closed_at.map(|closed_at| closed_at - self.opened_at);
        let on = |at: Option<i64>| Scalar::maybe(at, |at| Scalar::Date(company.on(at)));
        Fact::new(
            FactTable::Deals,
            [
                ("deal_id", self.id.as_str().into()),
                ("account_id", Scalar::text(terms.account_id.as_deref())),
                ("rep_id", Scalar::text(self.rep_id.as_deref())),
                ("kind", terms.kind.as_deref().unwrap_or("new").into()),
                ("product", Scalar::text(terms.product.as_deref())),
                ("amount", Scalar::maybe(terms.amount, Scalar::Decimal)),
                ("currency", self.currency.as_str().into()),
                ("status", status.into()),
                ("stage", Scalar::text(stay.map(|stay| stay.stage.as_str()))),
                ("stage_entered_at", Scalar::maybe(entered_at, Scalar::Instant)),
                ("stage_entered_on", on(entered_at)),
                ("opened_at", Scalar::Instant(self.opened_at)),
                ("opened_on", Scalar::Date(company.on(self.opened_at))),
                ("closed_at", Scalar::maybe(closed_at, Scalar::Instant)),
                ("closed_on", on(closed_at)),
                ("expected_close_on", Scalar::maybe(terms.expected_close_on, Scalar::Date)),
                ("expires_on", Scalar::maybe(terms.expires_on, Scalar::Date)),
                ("cycle_ms", Scalar::maybe(cycle_ms, Scalar::Int)),
                ("cycle_days", Scalar::maybe(cycle_ms, |ms| Scalar::Decimal(Decimal6::from_ratio(ms, DAY_MS)))),
            ],
        )
    }

    fn stay_fact(&self, company: &Company, stay: &Stay, number: i64) -> Fact {
        let duration_ms = stay.left_at.map(|left_at| left_at - stay.entered_at);
        Fact::new(
            FactTable::DealStages,
            [
                ("deal_id", self.id.as_str().into()),
                ("stay", Scalar::Int(number)),
                ("account_id", Scalar::text(self.terms.account_id.as_deref())),
                ("rep_id", Scalar::text(self.rep_id.as_deref())),
                ("product", Scalar::text(self.terms.product.as_deref())),
                ("stage", stay.stage.as_str().into()),
                ("entered_at", Scalar::Instant(stay.entered_at)),
                ("entered_on", Scalar::Date(company.on(stay.entered_at))),
                ("left_at", Scalar::maybe(stay.left_at, Scalar::Instant)),
                ("left_on", Scalar::maybe(stay.left_at, |at| Scalar::Date(company.on(at)))),
                ("duration_ms", Scalar::maybe(duration_ms, Scalar::Int)),
                ("days", Scalar::maybe(duration_ms, |ms| Scalar::Decimal(Decimal6::from_ratio(ms, DAY_MS)))),
                ("advanced", Scalar::Bool(stay.advanced)),
            ],
        )
    }
}
