//! A tenant's live events by what they are about, each list in fold order, and the settings that folds depend on.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeZone};
use tidemark_schemas::{
    events::{Data, Entity, EntityKind, Event},
    pipeline::StagePipeline,
    tenant::Tenant,
};

/// What every fold may look at.
pub(crate) struct Company<'a> {
    /// Every live event, in fold order.
    pub(crate) live: Vec<&'a Event>,
    /// The same by entity.
    by_entity: BTreeMap<Entity, Vec<&'a Event>>,
    pub(crate) tenant: &'a Tenant,
    pub(crate) stages: &'a StagePipeline,
}

impl<'a> Company<'a> {
    pub(crate) fn new(live: &'a [Event], tenant: &'a Tenant, stages: &'a StagePipeline) -> Self {
        let mut live: Vec<&Event> = live.iter().collect();
        live.sort_by_key(|event| fold_key(event));
        let mut by_entity: BTreeMap<Entity, Vec<&'a Event>> = BTreeMap::new();
        for event in &live {
            if let Some(entity) = event.entity() {
                by_entity.entry(entity).or_default().push(event);
            }
        }
        Self { live, by_entity, tenant, stages }
    }

    /// The entities of a kind that are not deleted, each with its events in fold order.
    pub(crate) fn existing(&self, kind: EntityKind) -> impl Iterator<Item = (&str, &[&'a Event])> {
        let of_kind = self.by_entity.iter().filter(move |(entity, _)| entity.kind == kind);
        let existing = of_kind.filter(|(entity, _)| !self.is_deleted(entity.kind, &entity.id));
        existing.map(|(entity, events)| (entity.id.as_str(), events.as_slice()))
    }

    /// The entities of a kind, deleted or not.
    pub(crate) fn all(&self, kind: EntityKind) -> impl Iterator<Item = (&str, &[&'a Event])> {
        let of_kind = self.by_entity.iter().filter(move |(entity, _)| entity.kind == kind);
        of_kind.map(|(entity, events)| (entity.id.as_str(), events.as_slice()))
    }

    /// Whether the later of an entity's deletions and restorations is a deletion.
    pub(crate) fn is_deleted(&self, kind: EntityKind, id: &str) -> bool {
        let events = self.by_entity.get(&Entity::new(kind, id)).map_or(&[][..], Vec::as_slice);
        let last = events.iter().rev().find(|event| matches!(event.data, Data::EntityDeleted(_) | Data::EntityRestored(_)));
        last.is_some_and(|event| matches!(event.data, Data::EntityDeleted(_)))
    }

    /// The business date of an instant: days since 1970-01-01 in the tenant's time zone.
    pub(crate) fn on(&self, instant_ms: i64) -> i32 {
        let local = self.tenant.time_zone.timestamp_millis_opt(instant_ms).single();
        local.map_or(0, |local| days(local.date_naive()))
    }
}

/// Days since 1970-01-01.
pub(crate) fn days(date: NaiveDate) -> i32 {
    let days = date.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or(0)
}

/// Fold order: two live events never have the same key, because identities differ.
pub(crate) fn fold_key(event: &Event) -> (i64, u8, i64, &str, &str) {
    let envelope = &event.envelope;
    let rank = event.data.event_type().rank();
    (envelope.occurred_at, rank, envelope.recorded_at(), &envelope.source, &envelope.event_id)
}
