//! visits, calls, and both of an account in their order: touches.

use std::collections::BTreeMap;

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::merges::Merges;
use crate::company::{Company, fold_key};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// A visit or a call that exists.
pub(crate) struct Touch<'a> {
    /// The last event that reports it.
    event: &'a Event,
    pub(crate) fact: Fact,
}

impl Touch<'_> {
    pub(crate) fn account_id(&self) -> Option<&str> {
        self.event.envelope.account_id.as_deref()
    }
}

/// Visits by id.
pub(crate) fn visits<'a>(company: &Company<'a>) -> BTreeMap<String, Touch<'a>> {
    let mut visits = BTreeMap::new();
    for (id, events) in company.existing(EntityKind::Visit) {
        for event in events {
            let Data::VisitCompleted(data) = &event.data else { continue };
            let own = vec![
                ("visit_id", id.into()),
                ("purpose", Scalar::text(data.purpose.as_deref())),
                ("mode", Scalar::text(data.mode.as_deref())),
                ("duration_min", Scalar::maybe(data.duration_min, Scalar::Int)),
                ("met_decision_maker", Scalar::maybe(data.met_decision_maker, Scalar::Bool)),
                ("next_step_on", Scalar::maybe(data.next_step_on, Scalar::Date)),
            ];
            visits.insert(id.to_owned(), Touch { event, fact: contact(company, FactTable::Visits, event, own) });
        }
    }
    visits
}

/// Calls by id.
pub(crate) fn calls<'a>(company: &Company<'a>) -> BTreeMap<String, Touch<'a>> {
    let mut calls = BTreeMap::new();
    for (id, events) in company.existing(EntityKind::Call) {
        for event in events {
            let Data::CallCompleted(data) = &event.data else { continue };
            let own = vec![
                ("call_id", id.into()),
                ("direction", Scalar::text(data.direction.as_deref())),
                ("duration_s", Scalar::maybe(data.duration_s, Scalar::Int)),
                ("connected", Scalar::maybe(data.connected, Scalar::Bool)),
                ("agent", Scalar::text(data.agent.as_deref())),
                ("outcome", Scalar::text(data.outcome.as_deref())),
            ];
            calls.insert(id.to_owned(), Touch { event, fact: contact(company, FactTable::Calls, event, own) });
        }
    }
    calls
}

/// The columns that visits and calls share, and their own.
fn contact(company: &Company, table: FactTable, event: &Event, own: Vec<(&str, Scalar)>) -> Fact {
    let envelope = &event.envelope;
    let (occurred_at, recorded_at) = (envelope.occurred_at, envelope.recorded_at());
    let delay_ms = recorded_at - occurred_at;
    let mut fact = Fact { table, values: vec![Scalar::Null; table.definition().columns.len()] };
    let shared = vec![
        ("account_id", Scalar::text(envelope.account_id.as_deref())),
        ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
        ("occurred_at", Scalar::Instant(occurred_at)),
        ("occurred_on", Scalar::Date(company.on(occurred_at))),
        ("recorded_at", Scalar::Instant(recorded_at)),
        ("recorded_on", Scalar::Date(company.on(recorded_at))),
        ("entry_delay_ms", Scalar::Int(delay_ms)),
        ("entry_delay_hours", Scalar::Decimal(Decimal6::from_ratio(delay_ms, HOUR_MS))),
    ];
    for (column, value) in own.into_iter().chain(shared) {
        if let Some(position) = table.definition().position(column) {
            fact.values[position] = value;
        }
    }
    fact
}

/// All visits and calls of each surviving account, in fold order.
pub(crate) fn touches(
    company: &Company,
    visits: &BTreeMap<String, Touch>,
    calls: &BTreeMap<String, Touch>,
    merges: &Merges,
) -> Vec<Fact> {
    let mut by_account: BTreeMap<String, Vec<(&str, &str, &Touch)>> = BTreeMap::new();
    let visits = visits.iter().map(|(id, touch)| ("visit", id.as_str(), touch));
    let calls = calls.iter().map(|(id, touch)| ("call", id.as_str(), touch));
    for (kind, id, touch) in visits.chain(calls) {
        if let Some(account) = touch.account_id() {
            by_account.entry(merges.survivor(account)).or_default().push((kind, id, touch));
        }
    }
    let mut facts = Vec::new();
    for (account, mut touches) in by_account {
        touches.sort_by_key(|(kind, id, touch)| (fold_key(touch.event), *kind, *id));
        let mut before = None;
        for (kind, id, touch) in touches {
            let envelope = &touch.event.envelope;
            let gap_ms = before.map(|before| envelope.occurred_at - before);
            before = Some(envelope.occurred_at);
            facts.push(Fact::new(
                FactTable::Touches,
                [
                    ("kind", kind.into()),
                    ("touch_id", id.into()),
                    ("account_id", account.as_str().into()),
                    ("rep_id", Scalar::text(envelope.rep_id.as_deref())),
                    ("occurred_at", Scalar::Instant(envelope.occurred_at)),
                    ("occurred_on", Scalar::Date(company.on(envelope.occurred_at))),
                    ("first_of_account", Scalar::Bool(gap_ms.is_none())),
                    ("gap_ms", Scalar::maybe(gap_ms, Scalar::Int)),
                    ("gap_days", Scalar::maybe(gap_ms, |ms| Scalar::Decimal(Decimal6::from_ratio(ms, DAY_MS)))),
                ],
            ));
        }
    }
    facts
}
