//! Fold: refolds the entities that an event touched, then whatever read them, and the account-wide facts.
//! A fact is a pure function of a set of events, so order, lateness and duplication cannot matter.

use std::collections::{BTreeSet, VecDeque};

use tidemark_schemas::events::{Entity, EntityKind};

use crate::{
    Error,
    admit::Admission,
    change::EventChanges,
    facts::{self, EntityState, FoldContext, Folded, accounts, merges, survivors, touches, won_deals},
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// Folds everything that an admission touched and collects what became different.
///
/// # Errors
/// The state cannot be read.
pub fn fold(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    admission: &Admission,
    changes: &mut EventChanges,
) -> Result<(), Error> {
    let mut accounts = accounts::update_mentions(working, settings, admission)?;
    let mut queue = VecDeque::from(admission.entities());
    // An entity may come twice: as what the event is about, and again because a parent changed after it was folded.
    // It ends because no entity is, through others, its own parent.
    while let Some(entity) = queue.pop_front() {
        let (old, new) = refold(working, settings, &entity, admission)?;
        changes.facts(&old.facts, &new.facts);
        changes.findings(&old.findings, &new.findings);
        if old.facts != new.facts || old.is_deleted != new.is_deleted {
            queue.extend(children(working, settings, &entity)?);
        }
        touches::update(working, settings, &old, &new, changes)?;
        accounts.extend(won_deals::update(working, settings, &entity, &old, &new)?);
        if entity.kind == EntityKind::Account && old != new {
            accounts.insert(entity.id.clone());
            if old.merged_into != new.merged_into {
                accounts.extend(merges::update(working, settings, &entity.id, &old, &new, changes)?);
            }
        }
    }
    let mut rows = BTreeSet::new();
    for account in accounts {
        rows.insert(survivors::survivor(working, settings, &account)?);
        // A merged account has no row of its own; after a merge its old one must go.
        rows.insert(account);
    }
    for account in rows {
        accounts::refold(working, settings, &account, changes)?;
    }
    Ok(())
}

/// Folds one entity anew, stores it, and returns it as it was and as it is.
fn refold(
    working: &mut Working<'_>,
    settings: &TenantSettings,
    entity: &Entity,
    admission: &Admission,
) -> Result<(Folded, Folded), Error> {
    let tenant = settings.name.as_ref();
    let key = || Key::new(Space::Entity, tenant).entity(entity);
    let EntityState { folded: old, mut events } = working.read(key())?.unwrap_or_default();
    let has_other_events = admission.apply(entity, &mut events);
    let mut context = FoldContext::new(working, settings);
    let new = facts::fold(entity, &mut events, &mut context)?;
    for parent in old.parents.difference(&new.parents) {
        working.remove(Key::new(Space::Child, tenant).entity(parent).entity(entity));
        working.count(Key::new(Space::ChildCount, tenant).entity(parent), -1)?;
    }
    for parent in new.parents.difference(&old.parents) {
        working.write(Key::new(Space::Child, tenant).entity(parent).entity(entity), entity)?;
        working.count(Key::new(Space::ChildCount, tenant).entity(parent), 1)?;
    }
    if events.is_empty() {
        working.remove(key());
        return Ok((old, new));
    }
    let new = EntityState { folded: new, events };
    if has_other_events || old != new.folded {
        working.write(key(), &new)?;
    }
    Ok((old, new.folded))
}

/// The entities whose folds read this one.
fn children(working: &Working<'_>, settings: &TenantSettings, parent: &Entity) -> Result<Vec<Entity>, Error> {
    // Asking for a key costs much less than looking through a range, and few have any.
    match working.read::<i64>(Key::new(Space::ChildCount, &settings.name).entity(parent))? {
        Some(_) => working.scan(Key::new(Space::Child, &settings.name).entity(parent)),
        None => Ok(Vec::new()),
    }
}
