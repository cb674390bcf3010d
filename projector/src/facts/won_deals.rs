//! Won deals of an account: in the order of their closing, counted, and summed up by day, so that what an account has won
//! costs the days of a year, however many deals there are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{Entity, EntityKind},
    fact::Scalar,
};

use super::Folded;
use crate::{
    Error,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// The days from the first won deal that count as its first year.
const FIRST_YEAR_DAYS: i64 = 365;

/// What an account needs to know of a won deal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WonDeal {
    /// When it was won.
    pub closed_at: i64,
    /// Orders deals that were won in the same instant.
    pub deal_id: String,
    closed_on: i32,
    amount: Decimal6,
    /// Of its amount.
    pub currency: String,
    /// Who gets the credit.
    pub rep_id: Option<String>,
}

/// What was won on one day, in one currency.
#[derive(Default, Serialize, Deserialize)]
struct WonDay {
    deals: i64,
    amount: Decimal6,
}

/// What some accounts, which are one customer, have won.
#[derive(Default)]
pub struct Won {
    /// The first deal.
    pub first: Option<WonDeal>,
    /// How many.
    pub deals: i64,
    /// Won in the year from the first win on, in the currency of the first win.
    pub first_year: Decimal6,
}

/// Keeps the indexes of won deals; returns the accounts whose won deals changed.
///
/// # Errors
/// The state cannot be read.
pub fn update(
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
    if let Some((account, deal)) = before {
        working.remove(deal_key(settings, &account, &deal));
        add(working, settings, &account, &deal, -1)?;
        changed.insert(account);
    }
    if let Some((account, deal)) = after {
        working.write(deal_key(settings, &account, &deal), &deal)?;
        add(working, settings, &account, &deal, 1)?;
        changed.insert(account);
    }
    Ok(changed)
}

fn won_deal(folded: &Folded) -> Option<(String, WonDeal)> {
    let deal = folded.facts.first().filter(|deal| deal.get("status").as_text() == Some("won"))?;
    let (Scalar::Instant(closed_at), Scalar::Date(closed_on)) = (deal.get("closed_at"), deal.get("closed_on")) else {
        return None;
    };
    let amount = if let Scalar::Decimal(amount) = deal.get("amount") { *amount } else { Decimal6::ZERO };
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

/// Counts a deal in (1) or out (−1).
fn add(working: &mut Working<'_>, settings: &TenantSettings, account: &str, deal: &WonDeal, by: i64) -> Result<(), Error> {
    working.count(Key::new(Space::WonCount, &settings.name).text(account), by)?;
    let key = days(settings, account, &deal.currency).int(deal.closed_on.into());
    let day: WonDay = working.read(key.clone())?.unwrap_or_default();
    let amount = if by < 0 { day.amount - deal.amount } else { day.amount + deal.amount };
    match day.deals + by {
        0 => working.remove(key),
        deals => working.write(key, &WonDay { deals, amount })?,
    }
    Ok(())
}

impl Won {
    /// What these accounts won together.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn of(working: &Working<'_>, settings: &TenantSettings, accounts: &BTreeSet<String>) -> Result<Self, Error> {
        let mut won = Self::default();
        let mut firsts: Vec<WonDeal> = Vec::new();
        for account in accounts {
            firsts.extend(working.first(Key::new(Space::WonDeal, &settings.name).text(account))?);
            won.deals += working.read(Key::new(Space::WonCount, &settings.name).text(account))?.unwrap_or(0);
        }
        let first = firsts.into_iter().min_by(|a, b| (a.closed_at, &a.deal_id).cmp(&(b.closed_at, &b.deal_id)));
        if let Some(first) = &first {
            let from = i64::from(first.closed_on);
            for account in accounts {
                let day = |day| days(settings, account, &first.currency).int(day);
                let year: Vec<WonDay> = working.between(day(from), day(from + FIRST_YEAR_DAYS))?;
                won.first_year = year.iter().fold(won.first_year, |sum, day| sum + day.amount);
            }
        }
        Ok(Self { first, ..won })
    }
}

fn deal_key(settings: &TenantSettings, account: &str, deal: &WonDeal) -> Key {
    Key::new(Space::WonDeal, &settings.name).text(account).int(deal.closed_at).text(&deal.deal_id)
}

fn days(settings: &TenantSettings, account: &str, currency: &str) -> Key {
    Key::new(Space::WonDay, &settings.name).text(account).text(currency)
}
