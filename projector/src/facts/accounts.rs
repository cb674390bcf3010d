//! Accounts: one row per customer, from its details, the accounts merged into it and its won deals.
//! What it reads is kept per account, so that an event costs the accounts merged together, not what they have done.

use std::{collections::BTreeSet, sync::Arc};

use tidemark_schemas::{
    events::{Entity, EntityKind},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::{
    Folded,
    account_details::{Details, Values},
    survivors,
    won_deals::Won,
};
use crate::{
    Error,
    admit::Admission,
    change::EventChanges,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// Counts the events that name an account, since an account exists from its first; returns the accounts that got their
/// first or lost their last.
///
/// # Errors
/// The state cannot be read.
pub fn update_mentions(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    admission: &Admission,
) -> Result<BTreeSet<String>, Error> {
    let mut changed = BTreeSet::new();
    for (event, by) in [(&admission.removed, -1), (&admission.added, 1)] {
        let Some(account) = event.as_ref().and_then(|event| event.envelope.account_id.as_ref()) else { continue };
        let count = working.count(Key::new(Space::Mention, &settings.name).text(account), by)?;
        if count == 0 || count == by {
            changed.insert(account.clone());
        }
    }
    Ok(changed)
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
    let old: Option<Arc<Fact>> = working.read(key())?;
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

fn fact(working: &Working<'_>, settings: &TenantSettings, account: &str) -> Result<Option<Arc<Fact>>, Error> {
    if survivors::survivor(working, settings, account)? != account {
        return Ok(None);
    }
    let tenant = settings.name.as_ref();
    let members = survivors::members(working, settings, account)?;
    let (mut own, mut merged) = (Details::default(), Vec::new());
    let mut is_named = false;
    for member in &members {
        is_named |= working.read::<i64>(Key::new(Space::Mention, tenant).text(member))?.is_some();
        let folded: Option<Folded> = working.read(Key::new(Space::Entity, tenant).entity(&entity(member)))?;
        let Folded { details, is_deleted, .. } = folded.unwrap_or_default();
        if member != account {
            merged.push(details);
        } else if is_deleted {
            return Ok(None);
        } else {
            own = details;
        }
    }
    if !is_named {
        return Ok(None);
    }
    let created_at = std::iter::once(&own).chain(&merged).filter_map(|details| details.created_at).min();
    let won = Won::of(working, settings, &members)?;
    Ok(Some(Arc::new(assemble(settings, account, created_at, own.values_with(&merged), won))))
}

fn entity(account: &str) -> Entity {
    Entity::new(EntityKind::Account, account)
}

fn assemble(settings: &TenantSettings, account: &str, created_at: Option<i64>, details: Values, won: Won) -> Fact {
    let [industry, segment, region, acquisition_cost, gross_margin, expected_years] = details;
    let first = won.first.as_ref();
    let currency = first.map_or(settings.tenant.currency.as_str(), |deal| deal.currency.as_str());
    let on = |at: Option<i64>| Scalar::maybe(at, |at| Scalar::Date(settings.business_date(at)));
    let first_won_at = first.map(|deal| deal.closed_at);
    Fact::new(
        FactTable::Accounts,
        [
            ("account_id", account.into()),
            ("rep_id", Scalar::text(first.and_then(|deal| deal.rep_id.as_deref()))),
            ("industry", industry),
            ("segment", segment),
            ("region", region),
            ("acquisition_cost", acquisition_cost),
            ("gross_margin", gross_margin),
            ("expected_years", expected_years),
            ("created_at", Scalar::maybe(created_at, Scalar::Instant)),
            ("created_on", on(created_at)),
            ("first_won_at", Scalar::maybe(first_won_at, Scalar::Instant)),
            ("first_won_on", on(first_won_at)),
            ("won_deals", Scalar::Int(won.deals)),
            ("annual_spend", Scalar::Decimal(won.first_year)),
            ("currency", currency.into()),
        ],
    )
}
