//! receivables and payments.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, EntityKind, Event,
        payload::{PaymentDue, PaymentMoved},
    },
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::deals::Deal;
use crate::company::{Company, fold_key};

/// A receivable that exists.
pub(crate) struct Receivable<'a> {
    id: String,
    account_id: Option<String>,
    rep_id: Option<String>,
    product: Option<String>,
    currency: String,
    due: &'a PaymentDue,
    issued_at: i64,
    received: Decimal6,
    /// The day on which the received amount last came to reach the amount, if it does in the end.
    settled_on: Option<i32>,
    is_waived: bool,
}

/// One movement of money.
struct Movement<'a> {
    event: &'a Event,
    data: &'a PaymentMoved,
    direction: &'static str,
    /// Refunds are negative.
    signed: Decimal6,
}

/// Receivables by id.
pub(crate) fn receivables<'a>(company: &Company<'a>, deals: &BTreeMap<String, Deal>) -> BTreeMap<String, Receivable<'a>> {
    let mut receivables = BTreeMap::new();
    for (id, events) in company.existing(EntityKind::Receivable) {
        let mut last_due = None;
        for event in events {
            if let Data::PaymentDue(due) = &event.data {
                last_due = Some((*event, due));
            }
        }
        if let Some((event, due)) = last_due {
            receivables.insert(id.to_owned(), receivable(company, id, events, event, due, deals));
        }
    }
    receivables
}

fn receivable<'a>(
    company: &Company<'a>,
    id: &str,
    events: &[&'a Event],
    event: &'a Event,
    due: &'a PaymentDue,
    deals: &BTreeMap<String, Deal>,
) -> Receivable<'a> {
    let deal = due.deal_id.as_ref().and_then(|deal_id| deals.get(deal_id));
    let currency = due.currency.clone().unwrap_or_else(|| company.tenant.currency.clone());
    let issued_at = event.envelope.occurred_at;
    let mut received = Decimal6::ZERO;
    let mut settled_on = (received >= due.amount).then(|| company.on(issued_at));
    for movement in movements(company, events) {
        if movement.data.currency.as_ref().is_some_and(|own| *own != currency) {
            continue;
        }
        let before = received;
        received += movement.signed;
        if before < due.amount && received >= due.amount {
            settled_on = Some(company.on(movement.event.envelope.occurred_at));
        }
    }
    Receivable {
        id: id.to_owned(),
        account_id: event.envelope.account_id.clone().or_else(|| deal.and_then(|deal| deal.terms.account_id.clone())),
        rep_id: event.envelope.rep_id.clone(),
        product: deal.and_then(|deal| deal.terms.product.clone()),
        currency,
        due,
        issued_at,
        received,
        settled_on: settled_on.filter(|_| received >= due.amount),
        is_waived: events.iter().any(|event| matches!(event.data, Data::PaymentWaived(_))),
    }
}

/// The last report of each payment in each direction, in fold order; deleted payments are none.
fn movements<'a>(company: &Company, events: &[&'a Event]) -> Vec<Movement<'a>> {
    let mut last: BTreeMap<(&str, &str), Movement> = BTreeMap::new();
    for event in events {
        let (data, direction, signed) = match &event.data {
            Data::PaymentReceived(data) => (data, "received", data.amount),
            Data::PaymentRefunded(data) => (data, "refunded", -data.amount),
            _ => continue,
        };
        last.insert((&data.payment_id, direction), Movement { event, data, direction, signed });
    }
    let mut movements: Vec<Movement> = last.into_values().collect();
    movements.retain(|movement| !company.is_deleted(EntityKind::Payment, &movement.data.payment_id));
    movements.sort_by_key(|movement| fold_key(movement.event));
    movements
}

impl Receivable<'_> {
    pub(crate) fn fact(&self, company: &Company) -> Fact {
        let is_settled = self.settled_on.is_some();
        let status = if self.is_waived {
            "waived"
        } else if is_settled {
            "settled"
        } else {
            "open"
        };
        let settlement_days = self.settled_on.map(|settled_on| i64::from(settled_on - self.due.due_on));
        Fact::new(
            FactTable::Receivables,
            [
                ("receivable_id", self.id.as_str().into()),
                ("deal_id", Scalar::text(self.due.deal_id.as_deref())),
                ("account_id", Scalar::text(self.account_id.as_deref())),
                ("rep_id", Scalar::text(self.rep_id.as_deref())),
                ("product", Scalar::text(self.product.as_deref())),
                ("amount", Scalar::Decimal(self.due.amount)),
                ("currency", self.currency.as_str().into()),
                ("due_on", Scalar::Date(self.due.due_on)),
                ("issued_at", Scalar::Instant(self.issued_at)),
                ("issued_on", Scalar::Date(company.on(self.issued_at))),
                ("received_amount", Scalar::Decimal(self.received)),
                ("status", status.into()),
                ("settled_on", Scalar::maybe(self.settled_on, Scalar::Date)),
                ("settlement_days", Scalar::maybe(settlement_days, Scalar::Int)),
            ],
        )
    }
}

/// One row per movement, also of receivables that do not exist.
pub(crate) fn payments(
    company: &Company,
    receivables: &BTreeMap<String, Receivable>,
    deals: &BTreeMap<String, Deal>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (id, events) in company.all(EntityKind::Receivable) {
        for movement in movements(company, events) {
            facts.push(payment(company, id, &movement, receivables.get(id), deals));
        }
    }
    facts
}

fn payment(
    company: &Company,
    receivable_id: &str,
    movement: &Movement,
    receivable: Option<&Receivable>,
    deals: &BTreeMap<String, Deal>,
) -> Fact {
    let envelope = &movement.event.envelope;
    let rep_id = receivable.map_or(envelope.rep_id.as_ref(), |receivable| receivable.rep_id.as_ref());
    let account_id = envelope.account_id.as_ref().or(receivable.and_then(|receivable| receivable.account_id.as_ref()));
    let currency = movement.data.currency.as_ref().or(receivable.map(|receivable| &receivable.currency));
    let deal_id = receivable.and_then(|receivable| receivable.due.deal_id.as_ref());
    let product = deal_id.and_then(|deal_id| deals.get(deal_id)).and_then(|deal| deal.terms.product.as_ref());
    Fact::new(
        FactTable::Payments,
        [
            ("payment_id", movement.data.payment_id.as_str().into()),
            ("receivable_id", receivable_id.into()),
            ("direction", movement.direction.into()),
            ("deal_id", Scalar::text(deal_id.map(String::as_str))),
            ("account_id", Scalar::text(account_id.map(String::as_str))),
            ("rep_id", Scalar::text(rep_id.map(String::as_str))),
            ("product", Scalar::text(product.map(String::as_str))),
            ("method", Scalar::text(movement.data.method.as_deref())),
            ("amount", Scalar::Decimal(movement.signed)),
            ("currency", currency.unwrap_or(&company.tenant.currency).as_str().into()),
            ("received_at", Scalar::Instant(envelope.occurred_at)),
            ("received_on", Scalar::Date(company.on(envelope.occurred_at))),
        ],
    )
}
