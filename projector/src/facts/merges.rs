//! Account merges: keeps up to date which account lives on in which (`survivors.rs` answers that), and moves what that moves.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::events::{Data, Entity, Event};

use super::{
    Folded,
    survivors::{members, survivor},
    touches,
};
use crate::{
    Error,
    change::EventChanges,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// The account that the last merge names; a merge into itself is none.
#[must_use]
pub fn merged_into(account: &Entity, events: &[Event]) -> Option<String> {
    events.iter().rev().find_map(|event| match &event.data {
        Data::AccountMerged(data) if data.into != account.id => Some(data.into.clone()),
        _ => None,
    })
}

/// After an account's merge changed: re-points it and moves the touches of everyone whose survivor is another now.
/// Returns the accounts whose facts may have changed.
///
/// # Errors
/// The state cannot be read.
pub fn update(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    account: &str,
    old: &Folded,
    new: &Folded,
    changes: &mut EventChanges,
) -> Result<BTreeSet<String>, Error> {
    let mut affected = members(working, settings, &survivor(working, settings, account)?)?;
    if let Some(into) = &new.merged_into {
        affected.extend(members(working, settings, &survivor(working, settings, into)?)?);
    }
    let before = survivors(working, settings, &affected)?;
    point(working, settings, account, old.merged_into.as_deref(), new.merged_into.as_deref())?;
    let after = survivors(working, settings, &affected)?;
    let mut moved = BTreeSet::new();
    for account in &affected {
        if before[account] != after[account] {
            touches::move_between(working, settings, account, &before[account], &after[account], changes)?;
            moved.extend([&before[account], &after[account]]);
        }
    }
    for survivor in moved {
        touches::refresh_all(working, settings, survivor, changes)?;
    }
    Ok(affected)
}

fn survivors(
    working: &Working<'_>,
    settings: &TenantSettings,
    accounts: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Error> {
    accounts.iter().map(|account| Ok((account.clone(), survivor(working, settings, account)?))).collect()
}

fn point(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    account: &str,
    old: Option<&str>,
    new: Option<&str>,
) -> Result<(), Error> {
    let pointer = Key::new(Space::Merge, &settings.name).text(account);
    let back = |into: &str| Key::new(Space::Merged, &settings.name).text(into).text(account);
    if let Some(old) = old {
        working.remove(back(old));
    }
    match new {
        Some(new) => {
            working.write(back(new), &account)?;
            working.write(pointer, &new)
        }
        None => {
            working.remove(pointer);
            Ok(())
        }
    }
}
