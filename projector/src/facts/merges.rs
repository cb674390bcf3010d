//! Account merges: which account lives on for which. Chains resolve; in a circle the smallest id lives on, so that the
//! answer does not depend on the order in which the merges became known.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::events::{Data, Entity, Event};

use super::{Folded, touches};
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

/// The account that an account lives on in; itself when it was not merged.
///
/// # Errors
/// The state cannot be read.
pub fn survivor(working: &Working<'_>, settings: &TenantSettings, account: &str) -> Result<String, Error> {
    let mut path = vec![account.to_owned()];
    loop {
        let last = path.last().map_or(account, String::as_str);
        let next: Option<String> = working.read(Key::new(Space::Merge, &settings.name).text(last))?;
        let Some(next) = next else { return Ok(last.to_owned()) };
        if let Some(start) = path.iter().position(|seen| *seen == next) {
            return Ok(path.drain(start..).min().unwrap_or(next));
        }
        path.push(next);
    }
}

/// A survivor and all accounts that live on in it.
///
/// # Errors
/// The state cannot be read.
pub fn members(working: &Working<'_>, settings: &TenantSettings, survivor: &str) -> Result<BTreeSet<String>, Error> {
    let mut members = BTreeSet::from([survivor.to_owned()]);
    let mut open = vec![survivor.to_owned()];
    while let Some(account) = open.pop() {
        let merged: Vec<String> = working.scan(Key::new(Space::Merged, &settings.name).text(&account))?;
        for account in merged {
            if members.insert(account.clone()) {
                open.push(account);
            }
        }
    }
    Ok(members)
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
