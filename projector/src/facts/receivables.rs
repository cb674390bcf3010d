//! Receivables and the payments that belong to them: one entity, so that what was received is always what the payments say.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, Entity, EntityKind, Envelope, Event,
        payload::{PaymentDue, PaymentMoved},
    },
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    FoldContext, Folded,
    context::{column, first, last},
};
use crate::{
    Error,
    change::{Finding, FindingKind},
};

/// One movement of money; a payment id may be received once and refunded once.
struct Movement<'a> {
    envelope: &'a Envelope,
    data: &'a PaymentMoved,
    is_refund: bool,
}

/// The receivable, where money was asked for.
struct Due<'a> {
    envelope: &'a Envelope,
    data: &'a PaymentDue,
    currency: String,
    account_id: Scalar,
    product: Scalar,
}

pub fn fold(entity: &Entity, events: &[Event], context: &mut FoldContext<'_, '_>, folded: &mut Folded) -> Result<(), Error> {
    let movements = movements(events, context)?;
    let due = due(events, context)?;
    if let Some(due) = &due {
        folded.findings = movements.iter().filter_map(|movement| other_currency(due, movement)).collect();
        folded.add(receivable(due, &movements, events, context));
    }
    for movement in &movements {
        folded.add(payment(entity, movement, due.as_ref(), context));
    }
    Ok(())
}

/// In fold order, the last report of each movement only, without deleted payments.
fn movements<'a>(events: &'a [Event], context: &mut FoldContext<'_, '_>) -> Result<Vec<Movement<'a>>, Error> {
    let mut last = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        let (data, is_refund) = match &event.data {
            Data::PaymentReceived(data) => (data, false),
            Data::PaymentRefunded(data) => (data, true),
            _ => continue,
        };
        if !context.is_deleted(EntityKind::Payment, &data.payment_id)? {
            last.insert((&data.payment_id, is_refund), (index, Movement { envelope: &event.envelope, data, is_refund }));
        }
    }
    let mut movements: Vec<_> = last.into_values().collect();
    movements.sort_by_key(|(index, _)| *index);
    Ok(movements.into_iter().map(|(_, movement)| movement).collect())
}

fn due<'a>(events: &'a [Event], context: &mut FoldContext<'_, '_>) -> Result<Option<Due<'a>>, Error> {
    let report = last(events, |data| if let Data::PaymentDue(data) = data { Some(data) } else { None });
    let Some((envelope, data)) = report else { return Ok(None) };
    let deal = context.parent(EntityKind::Deal, data.deal_id.as_deref())?;
    Ok(Some(Due {
        envelope,
        data,
        currency: data.currency.clone().unwrap_or_else(|| context.settings().tenant.currency.clone()),
        account_id: first(envelope.account_id.as_deref(), column(deal.as_deref(), "account_id")),
        product: column(deal.as_deref(), "product"),
    }))
}

impl Movement<'_> {
    fn signed(&self) -> Decimal6 {
        if self.is_refund { -self.data.amount } else { self.data.amount }
    }

    fn direction(&self) -> &'static str {
        if self.is_refund { "refunded" } else { "received" }
    }

    /// Whether it counts towards a receivable in that currency.
    fn is_in(&self, currency: &str) -> bool {
        self.data.currency.as_deref().is_none_or(|own| own == currency)
    }
}

fn other_currency(due: &Due<'_>, movement: &Movement<'_>) -> Option<Finding> {
    let own = movement.data.currency.as_deref().filter(|own| *own != due.currency)?;
    Some(Finding {
        kind: FindingKind::OtherCurrency,
        subject: format!("{}/{}/{}", due.data.receivable_id, movement.data.payment_id, movement.direction()),
        detail: format!("{} in {own} is not added to a receivable in {}", movement.data.amount, due.currency),
    })
}

fn receivable(due: &Due<'_>, movements: &[Movement<'_>], events: &[Event], context: &FoldContext<'_, '_>) -> Fact {
    let amount = due.data.amount;
    let mut received = Decimal6::ZERO;
    // The instant at which the total last reached the amount; an amount of nothing is settled when it is asked for.
    let mut settled_at = (received >= amount).then_some(due.envelope.occurred_at);
    for movement in movements.iter().filter(|movement| movement.is_in(&due.currency)) {
        let before = received;
        received += movement.signed();
        if received < amount {
            settled_at = None;
        } else if before < amount {
            settled_at = Some(movement.envelope.occurred_at);
        }
    }
    let is_waived = events.iter().any(|event| matches!(event.data, Data::PaymentWaived(_)));
    let status = if is_waived {
        "waived"
    } else if settled_at.is_some() {
        "settled"
    } else {
        "open"
    };
    let settled_on = settled_at.map(|at| context.settings().business_date(at));
    Fact::new(
        FactTable::Receivables,
        [
            ("receivable_id", due.data.receivable_id.as_str().into()),
            ("deal_id", Scalar::text(due.data.deal_id.as_deref())),
            ("account_id", due.account_id.clone()),
            ("rep_id", Scalar::text(due.envelope.rep_id.as_deref())),
            ("product", due.product.clone()),
            ("amount", Scalar::Decimal(amount)),
            ("currency", due.currency.as_str().into()),
            ("due_on", Scalar::Date(due.data.due_on)),
            ("issued_at", Scalar::Instant(due.envelope.occurred_at)),
            ("issued_on", context.on(due.envelope.occurred_at)),
            ("received_amount", Scalar::Decimal(received)),
            ("status", status.into()),
            ("settled_on", Scalar::maybe(settled_on, Scalar::Date)),
            ("settlement_days", Scalar::maybe(settled_on, |on| Scalar::Int(i64::from(on - due.data.due_on)))),
        ],
    )
}

fn payment(entity: &Entity, movement: &Movement<'_>, due: Option<&Due<'_>>, context: &FoldContext<'_, '_>) -> Fact {
    let (envelope, data) = (movement.envelope, movement.data);
    let currency = data.currency.as_deref().or(due.map(|due| due.currency.as_str()));
    // The receivable's seller gets the credit, whoever booked the payment.
    let rep_id = due.map_or(envelope.rep_id.as_deref(), |due| due.envelope.rep_id.as_deref());
    let account_id = first(envelope.account_id.as_deref(), due.map_or(Scalar::Null, |due| due.account_id.clone()));
    Fact::new(
        FactTable::Payments,
        [
            ("payment_id", data.payment_id.as_str().into()),
            ("receivable_id", entity.id.as_str().into()),
            ("direction", movement.direction().into()),
            ("deal_id", Scalar::text(due.and_then(|due| due.data.deal_id.as_deref()))),
            ("account_id", account_id),
            ("rep_id", Scalar::text(rep_id)),
            ("product", due.map_or(Scalar::Null, |due| due.product.clone())),
            ("method", Scalar::text(data.method.as_deref())),
            ("amount", Scalar::Decimal(movement.signed())),
            ("currency", context.currency(currency)),
            ("received_at", Scalar::Instant(envelope.occurred_at)),
            ("received_on", context.on(envelope.occurred_at)),
        ],
    )
}
