//! Fold: refolds the entities that an event touched, then whatever read them, and the account-wide facts.
//! A fact is a pure function of a set of events, so order, lateness and duplication cannot matter.

use std::collections::{BTreeSet, VecDeque};

use tidemark_schemas::events::{Entity, EntityKind, Event};

use crate::{
    Error,
    admit::{Admission, events_of, new_events_of},
    change::EventChanges,
    facts::{self, FoldContext, Folded, accounts, merges, survivors, touches, won_deals},
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
    let events: Vec<&Event> = admission.removed.iter().chain(&admission.added).collect();
    let mut accounts = accounts::update_mentions(working, settings, admission)?;
    let mut queue: VecDeque<Entity> = events.iter().filter_map(|event| event.entity()).collect();
    // An entity may come twice: as what the event is about, and again because a parent changed after it was folded.
    // It ends because no entity is, through others, its own parent.
    while let Some(entity) = queue.pop_front() {
        let (old, new) = refold(working, settings, &entity)?;
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
fn refold(working: &mut Working<'_>, settings: &TenantSettings, entity: &Entity) -> Result<(Folded, Folded), Error> {
    let tenant = settings.name.as_ref();
    let key = || Key::new(Space::Folded, tenant).entity(entity);
    let old: Option<Folded> = working.read(key())?;
    // Most entities are reported once: one that was never folded has no events but those of this batch.
    let events = if old.is_some() { events_of(working, tenant, entity)? } else { new_events_of(working, tenant, entity)? };
    let is_known = !events.is_empty();
    let mut context = FoldContext::new(working, settings);
    let new = facts::fold(entity, events, &mut context)?;
    let is_new = old.as_ref() != Some(&new);
    let old = old.unwrap_or_default();
    for parent in old.parents.difference(&new.parents) {
        working.remove(Key::new(Space::Child, tenant).entity(parent).entity(entity));
        working.count(Key::new(Space::ChildCount, tenant).entity(parent), -1)?;
    }
    for parent in new.parents.difference(&old.parents) {
        working.write(Key::new(Space::Child, tenant).entity(parent).entity(entity), entity)?;
        working.count(Key::new(Space::ChildCount, tenant).entity(parent), 1)?;
    }
    if !is_known {
        working.remove(key());
    } else if is_new {
        working.write(key(), &new)?;
    }
    Ok((old, new))
}

/// The entities whose folds read this one.
fn children(working: &Working<'_>, settings: &TenantSettings, parent: &Entity) -> Result<Vec<Entity>, Error> {
    // Asking for a key costs much less than looking through a range, and few have any.
    match working.read::<i64>(Key::new(Space::ChildCount, &settings.name).entity(parent))? {
        Some(_) => working.scan(Key::new(Space::Child, &settings.name).entity(parent)),
        None => Ok(Vec::new()),
    }
}
