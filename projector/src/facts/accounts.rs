//! Accounts: one row per customer, from its details, the accounts merged into it and its won deals.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Entity, EntityKind, Event, payload::AccountDetails},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{Folded, fold_order, survivors};
use crate::{
    Error,
    admit::events_of,
    change::EventChanges,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// The days after the first won deal that count as its first year.
const FIRST_YEAR_DAYS: i32 = 365;

/// What an account needs to know of a won deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WonDeal {
    closed_at: i64,
    deal_id: String,
    closed_on: i32,
    amount: Option<Decimal6>,
    currency: String,
    rep_id: Option<String>,
}

/// Keeps the index of won deals per account; returns the accounts whose won deals changed.
///
/// # Errors
/// The state cannot be written.
pub fn update_won_deals(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    entity: &Entity,
    old: &Folded,
    new: &Folded,
) -> Result<BTreeSet<String>, Error> {
    let mut changed = BTreeSet::new();
    if entity.kind != EntityKind::Deal {
        return Ok(changed);
    }
    let (before, after) = (won_deal(old), won_deal(new));
    if before == after {
        return Ok(changed);
    }
    let key = |account: &str| Key::new(Space::WonDeal, &settings.name).text(account).text(&entity.id);
    if let Some((account, _)) = before {
        working.remove(key(&account));
        changed.insert(account);
    }
    if let Some((account, deal)) = after {
        working.write(key(&account), &deal)?;
        changed.insert(account);
    }
    Ok(changed)
}

fn won_deal(folded: &Folded) -> Option<(String, WonDeal)> {
    let deal = folded.facts.first().filter(|deal| deal.get("status").as_text() == Some("won"))?;
    let (Scalar::Instant(closed_at), Scalar::Date(closed_on)) = (deal.get("closed_at"), deal.get("closed_on")) else {
        return None;
    };
    let amount = if let Scalar::Decimal(amount) = deal.get("amount") { Some(*amount) } else { None };
    let text = |column: &str| deal.get(column).as_text().map(str::to_owned);
    let won = WonDeal {
        closed_at: *closed_at,
        deal_id: text("deal_id")?,
        closed_on: *closed_on,
        amount,
        currency: text("currency")?,
        rep_id: text("rep_id"),
    };
    Some((text("account_id")?, won))
}

/// Makes an account's fact anew; an account that was merged away, deleted or is named by nothing has none.
///
/// # Errors
/// The state cannot be read.
pub fn refold(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    account: &str,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    let key = || Key::new(Space::Account, &settings.name).text(account);
    let old: Option<Fact> = working.read(key())?;
    let new = fact(working, settings, account)?;
    if old != new {
        changes.facts(old.as_slice(), new.as_slice());
        match &new {
            Some(new) => working.write(key(), new)?,
            None => working.remove(key()),
        }
    }
    Ok(())
}

fn fact(working: &Working<'_>, settings: &TenantSettings, account: &str) -> Result<Option<Fact>, Error> {
    if survivors::survivor(working, settings, account)? != account {
        return Ok(None);
    }
    let tenant = settings.name.as_ref();
    let own: Option<Folded> = working.read(Key::new(Space::Folded, tenant).entity(&Entity::new(EntityKind::Account, account)))?;
    if own.is_some_and(|own| own.is_deleted) {
        return Ok(None);
    }
    let members = survivors::members(working, settings, account)?;
    let mut is_named = false;
    let mut won: Vec<WonDeal> = Vec::new();
    let (mut own_events, mut other_events) = (Vec::new(), Vec::new());
    for member in &members {
        is_named |= working.read::<i64>(Key::new(Space::Mention, tenant).text(member))?.is_some();
        won.extend(working.scan(Key::new(Space::WonDeal, tenant).text(member))?);
        let events = events_of(working, tenant, &Entity::new(EntityKind::Account, member.as_str()))?;
        if member == account { own_events = events } else { other_events.extend(events) }
    }
    if !is_named {
        return Ok(None);
    }
    own_events.sort_by(|a, b| fold_order(a).cmp(&fold_order(b)));
    other_events.sort_by(|a, b| fold_order(a).cmp(&fold_order(b)));
    // The survivor's own word counts; where it has none, what was known of those merged into it.
    other_events.extend(own_events);
    Ok(Some(assemble(settings, account, &other_events, &won)))
}

fn assemble(settings: &TenantSettings, account: &str, events: &[Event], won: &[WonDeal]) -> Fact {
    let created_at =
        events.iter().filter(|event| matches!(event.data, Data::AccountCreated(_))).map(|event| event.envelope.occurred_at).min();
    let first = won.iter().min_by_key(|deal| (deal.closed_at, deal.deal_id.as_str()));
    let currency = first.map_or(settings.tenant.currency.as_str(), |deal| deal.currency.as_str());
    let text = |field: fn(&AccountDetails) -> Option<&str>| Scalar::text(last(events, field));
    let decimal = |field: fn(&AccountDetails) -> Option<Decimal6>| Scalar::maybe(last(events, field), Scalar::Decimal);
    let on = |at: Option<i64>| Scalar::maybe(at, |at| Scalar::Date(settings.business_date(at)));
    let first_won_at = first.map(|deal| deal.closed_at);
    Fact::new(
        FactTable::Accounts,
        [
            ("account_id", account.into()),
            ("rep_id", Scalar::text(first.and_then(|deal| deal.rep_id.as_deref()))),
            ("industry", text(|details| details.industry.as_deref())),
            ("segment", text(|details| details.segment.as_deref())),
            ("region", text(|details| details.region.as_deref())),
            ("acquisition_cost", decimal(|details| details.acquisition_cost)),
            ("gross_margin", decimal(|details| details.gross_margin)),
            ("expected_years", decimal(|details| details.expected_years)),
            ("created_at", Scalar::maybe(created_at, Scalar::Instant)),
            ("created_on", on(created_at)),
            ("first_won_at", Scalar::maybe(first_won_at, Scalar::Instant)),
            ("first_won_on", on(first_won_at)),
            ("won_deals", Scalar::Int(won.len() as i64)),
            ("annual_spend", Scalar::Decimal(annual_spend(first, won))),
            ("currency", currency.into()),
        ],
    )
}

/// The last value of a field among the events that state details.
fn last<'a, T>(events: &'a [Event], field: impl Fn(&'a AccountDetails) -> Option<T>) -> Option<T> {
    events.iter().rev().find_map(|event| match &event.data {
        Data::AccountCreated(details) | Data::AccountAmended(details) => field(details),
        _ => None,
    })
}

/// Won in the year from the first win, in the currency of the first win.
fn annual_spend(first: Option<&WonDeal>, won: &[WonDeal]) -> Decimal6 {
    let Some(first) = first else { return Decimal6::ZERO };
    let year = first.closed_on..first.closed_on + FIRST_YEAR_DAYS;
    let counted = won.iter().filter(|deal| deal.currency == first.currency && year.contains(&deal.closed_on));
    counted.filter_map(|deal| deal.amount).fold(Decimal6::ZERO, |sum, amount| sum + amount)
}
