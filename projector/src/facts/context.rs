//! What a fold may see besides its own events: the tenant's settings and the facts of declared parents.

use std::{collections::BTreeSet, sync::Arc};

use tidemark_schemas::{
    decimal::Decimal6,
    events::{Data, Entity, EntityKind, Envelope, Event},
    fact::{Fact, Scalar},
};

use super::Folded;
use crate::{
    Error,
    settings::TenantSettings,
    state::{Key, Space, Working},
};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Reads for a fold, and notes what it read.
pub struct FoldContext<'a, 'w> {
    working: &'a Working<'w>,
    settings: &'a TenantSettings,
    parents: BTreeSet<Entity>,
}

impl<'a, 'w> FoldContext<'a, 'w> {
    /// Nothing read yet.
    #[must_use]
    pub fn new(working: &'a Working<'w>, settings: &'a TenantSettings) -> Self {
        Self { working, settings, parents: BTreeSet::new() }
    }

    /// The tenant's settings.
    #[must_use]
    pub fn settings(&self) -> &TenantSettings {
        self.settings
    }

    /// The business date of an instant.
    #[must_use]
    pub fn on(&self, instant: i64) -> Scalar {
        Scalar::Date(self.settings.business_date(instant))
    }

    /// The currency that was given, or the tenant's.
    #[must_use]
    pub fn currency(&self, given: Option<&str>) -> Scalar {
        Scalar::from(given.unwrap_or(&self.settings.tenant.currency))
    }

    /// The fact of a parent, where it exists.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn parent(&mut self, kind: EntityKind, id: Option<&str>) -> Result<Option<Arc<Fact>>, Error> {
        let Some(id) = id else { return Ok(None) };
        Ok(self.read(Entity::new(kind, id))?.and_then(|folded| folded.facts.into_iter().next()))
    }

    /// Whether a parent was deleted.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn is_deleted(&mut self, kind: EntityKind, id: &str) -> Result<bool, Error> {
        Ok(self.read(Entity::new(kind, id))?.is_some_and(|folded| folded.is_deleted))
    }

    fn read(&mut self, parent: Entity) -> Result<Option<Folded>, Error> {
        let folded = self.working.read(Key::new(Space::Entity, &self.settings.name).entity(&parent))?;
        self.parents.insert(parent);
        Ok(folded)
    }

    /// The parents read so far.
    pub fn take_parents(&mut self) -> BTreeSet<Entity> {
        std::mem::take(&mut self.parents)
    }
}

/// The last report of a kind in fold order, which is what an entity of few words is.
pub fn last<'a, T>(events: &'a [Event], kind: impl Fn(&'a Data) -> Option<&'a T>) -> Option<(&'a Envelope, &'a T)> {
    events.iter().rev().find_map(|event| Some((&event.envelope, kind(&event.data)?)))
}

/// Milliseconds as decimal hours or days, for display.
#[must_use]
pub fn duration(ms: i64, unit_ms: i64) -> Scalar {
    Scalar::Decimal(Decimal6::from_ratio(ms, unit_ms))
}

/// A column of a parent's fact; NULL without a parent.
#[must_use]
pub fn column(parent: Option<&Fact>, name: &str) -> Scalar {
    parent.map_or(Scalar::Null, |fact| fact.get(name).clone())
}

/// The first that is not NULL.
#[must_use]
pub fn first(own: Option<&str>, otherwise: Scalar) -> Scalar {
    own.map_or(otherwise, Scalar::from)
}
