//! Survivors: which account an account lives on in. Chains resolve; in a circle the smallest id lives on, so that the
//! answer does not depend on the order in which the merges became known.

use std::collections::BTreeSet;

use crate::{
    Error,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

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
