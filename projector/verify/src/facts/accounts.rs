//! accounts: one row per account that lives on, with all that was merged into it.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, EntityKind, Event, payload::AccountDetails},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{deals::Deal, merges::Merges, set};
use crate::company::Company;

/// Days from `first_won_on` in which won amounts are annual spend.
const SPEND_DAYS: i32 = 365;

/// A row per survivor of which, or of something merged into which, any live event is; unless the survivor is deleted.
pub(crate) fn accounts(company: &Company, deals: &BTreeMap<String, Deal>, merges: &Merges) -> Vec<Fact> {
    let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for account in company.live.iter().filter_map(|event| event.envelope.account_id.as_ref()) {
        groups.entry(merges.survivor(account)).or_default().insert(account.clone());
    }
    groups.retain(|survivor, _| !company.is_deleted(EntityKind::Account, survivor));
    groups.iter().map(|(survivor, members)| account(company, survivor, members, deals)).collect()
}

fn account(company: &Company, survivor: &str, members: &BTreeSet<String>, deals: &BTreeMap<String, Deal>) -> Fact {
    let is_member = |event: &&&Event| event.envelope.account_id.as_ref().is_some_and(|account| members.contains(account));
    let events: Vec<&Event> = company.live.iter().filter(is_member).copied().collect();
    let mut created = events.iter().filter(|event| matches!(event.data, Data::AccountCreated(_)));
    // Fold order is by occurred_at first.
    let created_at = created.next().map(|event| event.envelope.occurred_at);
    let details = details(survivor, &events);
    let wins = Wins::of(company, members, deals);
    let on = |at: Option<i64>| Scalar::maybe(at, |at| Scalar::Date(company.on(at)));
    Fact::new(
        FactTable::Accounts,
        [
            ("account_id", survivor.into()),
            ("rep_id", Scalar::text(wins.rep_id.as_deref())),
            ("industry", Scalar::text(details.industry.as_deref())),
            ("segment", Scalar::text(details.segment.as_deref())),
            ("region", Scalar::text(details.region.as_deref())),
            ("acquisition_cost", Scalar::maybe(details.acquisition_cost, Scalar::Decimal)),
            ("gross_margin", Scalar::maybe(details.gross_margin, Scalar::Decimal)),
            ("expected_years", Scalar::maybe(details.expected_years, Scalar::Decimal)),
            ("created_at", Scalar::maybe(created_at, Scalar::Instant)),
            ("created_on", on(created_at)),
            ("first_won_at", Scalar::maybe(wins.first_won_at, Scalar::Instant)),
            ("first_won_on", on(wins.first_won_at)),
            ("won_deals", Scalar::Int(wins.deals)),
            ("annual_spend", Scalar::Decimal(wins.annual_spend)),
            ("currency", wins.currency.as_str().into()),
        ],
    )
}

/// The last that the survivor's own events say, else the last that the others' say.
fn details(survivor: &str, events: &[&Event]) -> AccountDetails {
    let is_own = |event: &&&Event| event.envelope.account_id.as_deref() == Some(survivor);
    let mut details = AccountDetails::default();
    for event in events.iter().filter(|event| !is_own(event)).chain(events.iter().filter(is_own)) {
        if let Data::AccountCreated(data) | Data::AccountAmended(data) = &event.data {
            set(&mut details.industry, data.industry.as_ref());
            set(&mut details.segment, data.segment.as_ref());
            set(&mut details.region, data.region.as_ref());
            set(&mut details.acquisition_cost, data.acquisition_cost.as_ref());
            set(&mut details.gross_margin, data.gross_margin.as_ref());
            set(&mut details.expected_years, data.expected_years.as_ref());
        }
    }
    details
}

/// What won deals say about their account.
struct Wins {
    deals: i64,
    first_won_at: Option<i64>,
    rep_id: Option<String>,
    currency: String,
    annual_spend: Decimal6,
}

impl Wins {
    fn of(company: &Company, members: &BTreeSet<String>, deals: &BTreeMap<String, Deal>) -> Self {
        let of_members = deals.values().filter(|deal| deal.terms.account_id.as_ref().is_some_and(|id| members.contains(id)));
        let mut won: Vec<(i64, &Deal)> = of_members.filter_map(|deal| Some((deal.won_at()?, deal))).collect();
        won.sort_by_key(|(won_at, deal)| (*won_at, deal.id.as_str()));
        let Some(&(first_won_at, first)) = won.first() else {
            let currency = company.tenant.currency.clone();
            return Self { deals: 0, first_won_at: None, rep_id: None, currency, annual_spend: Decimal6::ZERO };
        };
        let first_won_on = company.on(first_won_at);
        let mut annual_spend = Decimal6::ZERO;
        for (won_at, deal) in &won {
            // Not always: where clocks go back over midnight, a later deal can have an earlier date.
            let is_within = (first_won_on..first_won_on + SPEND_DAYS).contains(&company.on(*won_at));
            if is_within && deal.currency == first.currency {
                annual_spend += deal.terms.amount.unwrap_or_default();
            }
        }
        Self {
            deals: won.len() as i64,
            first_won_at: Some(first_won_at),
            rep_id: first.rep_id.clone(),
            currency: first.currency.clone(),
            annual_spend,
        }
    }
}
