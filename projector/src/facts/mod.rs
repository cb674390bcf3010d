//! One fold per kind of entity: its events that count, in fold order, become its facts.
//! Nothing here writes; parents are read through the context, which notes them.

mod account_details;
pub mod accounts;
mod activities;
mod appeals;
mod calls;
mod context;
mod deals;
mod incidents;
mod leads;
pub mod merges;
mod rates;
mod ratings;
mod receivables;
mod roster;
mod surveys;
pub mod survivors;
mod targets;
pub mod touches;
mod visits;
pub mod won_deals;

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

pub use context::FoldContext;
use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    events::{Data, Entity, EntityKind, Event},
    fact::Fact,
    table::FactTable,
};

use crate::{
    Error,
    change::{Finding, FindingKind},
    settings::TenantSettings,
    state::Space,
};

/// What the state keeps of an entity. Whoever needs [`Folded`] only reads the beginning.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct EntityState {
    /// What its events were folded into.
    pub folded: Folded,
    /// Its events that count, in fold order.
    pub events: Vec<Event>,
}

/// What an entity was folded into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Its facts.
    pub facts: Vec<Arc<Fact>>,
    /// What could not be counted.
    pub findings: Vec<Finding>,
    /// The entities that the fold read: when they change, it runs again.
    pub parents: BTreeSet<Entity>,
    /// Whether the later of its deletions and restorations is a deletion.
    pub is_deleted: bool,
    /// Of an account: what it says about itself.
    pub details: account_details::Details,
    /// Of an account: the account it was merged into.
    pub merged_into: Option<String>,
    /// Of a visit or call: where it stands among the touches of its account.
    pub touch: Option<touches::Touch>,
}

impl Folded {
    fn add(&mut self, fact: Fact) {
        self.facts.push(Arc::new(fact));
    }
}

/// Folds an entity from its events, which are put in fold order.
///
/// # Errors
/// A parent cannot be read.
pub fn fold(entity: &Entity, events: &mut [Event], context: &mut FoldContext<'_, '_>) -> Result<Folded, Error> {
    events.sort_by(|a, b| fold_order(a).cmp(&fold_order(b)));
    let deletions = || events.iter().rev().filter_map(deletion);
    let is_deleted = deletions().next().unwrap_or(false);
    let mut events = Cow::Borrowed(&*events);
    if deletions().next().is_some() {
        events.to_mut().retain(|event| deletion(event).is_none());
    }
    let mut folded = Folded { is_deleted, ..Folded::default() };
    if entity.kind == EntityKind::Account {
        // Read by the account-wide fold, also of a deleted account: a deletion undoes neither a merge nor what it brought.
        folded.details = account_details::Details::of(&events);
        folded.merged_into = merges::merged_into(entity, &events);
    }
    if is_deleted {
        // Of a deleted receivable the money that moved remains; of anything else nothing does.
        events.to_mut().retain(|event| matches!(event.data, Data::PaymentReceived(_) | Data::PaymentRefunded(_)));
    }
    if events.is_empty() {
        return Ok(folded);
    }
    match entity.kind {
        EntityKind::Visit => visits::fold(&events, context, &mut folded),
        EntityKind::Call => calls::fold(&events, context, &mut folded),
        EntityKind::Deal => deals::fold(&events, context, &mut folded),
        EntityKind::Receivable => receivables::fold(entity, &events, context, &mut folded)?,
        EntityKind::Survey => surveys::fold(&events, context, &mut folded)?,
        EntityKind::Lead => leads::fold(&events, context, &mut folded),
        EntityKind::Activity => activities::fold(&events, context, &mut folded)?,
        EntityKind::Incident => incidents::fold(&events, context, &mut folded),
        EntityKind::Rating => ratings::fold(entity, &events, context, &mut folded),
        EntityKind::Rep => roster::fold(&events, &mut folded),
        EntityKind::Target => targets::fold(entity, &events, &mut folded),
        EntityKind::Rate => rates::fold(&events, &mut folded),
        EntityKind::Appeal => appeals::fold(&events, context, &mut folded),
        EntityKind::Account | EntityKind::Payment | EntityKind::Alert => {}
    }
    folded.parents = context.take_parents();
    let may_be_incomplete =
        matches!(entity.kind, EntityKind::Deal | EntityKind::Receivable | EntityKind::Lead | EntityKind::Appeal);
    if may_be_incomplete && !is_deleted && !events.iter().any(|event| event.data.event_type().is_defining()) {
        folded.findings.push(incomplete(entity));
    }
    Ok(folded)
}

/// Where the state keeps the facts of a table.
#[must_use]
pub fn space_of(table: FactTable) -> Space {
    match table {
        FactTable::Touches => Space::Touch,
        FactTable::Accounts => Space::Account,
        _ => Space::Entity,
    }
}

/// The facts in an entry of one of these spaces.
///
/// # Errors
/// No entry of ours.
pub fn stored(settings: &TenantSettings, key: &[u8], value: &[u8]) -> Result<Vec<Arc<Fact>>, Error> {
    match key.first() {
        Some(&space) if space == Space::Touch as u8 => Ok(vec![touches::stored(settings, key, value)?]),
        Some(&space) if space == Space::Account as u8 => Ok(vec![postcard::from_bytes(value)?]),
        _ => Ok(postcard::from_bytes::<Folded>(value)?.facts),
    }
}

/// The order of a fold: business time, rank of the action, time of entry, identity.
fn fold_order(event: &Event) -> (i64, u8, i64, &str, &str) {
    let envelope = &event.envelope;
    (envelope.occurred_at, event.data.event_type().rank(), envelope.recorded_at(), &envelope.source, &envelope.event_id)
}

/// Whether an event deletes its entity (true), restores it (false), or is something else (none).
fn deletion(event: &Event) -> Option<bool> {
    match event.data {
        Data::EntityDeleted(_) => Some(true),
        Data::EntityRestored(_) => Some(false),
        _ => None,
    }
}

fn incomplete(entity: &Entity) -> Finding {
    Finding {
        kind: FindingKind::Incomplete,
        subject: format!("{}/{}", entity.kind.name(), entity.id),
        detail: format!("there are events of this {}, but not the one that begins it", entity.kind.name()),
    }
}
