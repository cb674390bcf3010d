//! What one request brings to the log: events and dead letters of one tenant.

use std::{collections::BTreeMap, sync::Arc};

use tidemark_schemas::{
    dead::{How, Resolution},
    events::{Event, EventType},
    log::{DEAD_TOPIC, EVENTS_TOPIC},
};

use crate::accept::{DeadLetter, Rejection, validate::Code};

/// One record on its way to Kafka.
pub(super) struct Outgoing {
    pub(super) topic: &'static str,
    pub(super) value: Vec<u8>,
    /// Dead letters carry their id in a header, so that a reader can drop repeats without parsing.
    pub(super) id: Option<String>,
}

/// The records of one request; the tenant is the key of them all.
pub(crate) struct Batch {
    pub(super) tenant: Arc<str>,
    pub(super) records: Vec<Outgoing>,
    /// What it holds, for the metrics.
    pub(crate) accepted: BTreeMap<EventType, u64>,
    pub(crate) refused: BTreeMap<Code, u64>,
    pub(crate) resolved: BTreeMap<How, usize>,
}

impl Batch {
    pub(crate) fn new(tenant: Arc<str>) -> Self {
        Self { tenant, records: Vec::new(), accepted: BTreeMap::new(), refused: BTreeMap::new(), resolved: BTreeMap::new() }
    }

    pub(crate) fn add_event(&mut self, event: &Event, encoded: Vec<u8>) {
        *self.accepted.entry(event.data.event_type()).or_default() += 1;
        self.records.push(Outgoing { topic: EVENTS_TOPIC, value: encoded, id: None });
    }

    /// # Errors
    /// 500 when it cannot be written as JSON, which texts and numbers always can.
    pub(crate) fn add_dead_letter(&mut self, letter: &DeadLetter<'_>) -> Result<(), Rejection> {
        let value = serde_json::to_vec(letter).map_err(|error| Rejection::ours(error.to_string()))?;
        for problem in letter.reasons {
            *self.refused.entry(problem.code).or_default() += 1;
        }
        self.records.push(Outgoing { topic: DEAD_TOPIC, value, id: Some(letter.id.clone()) });
        Ok(())
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// # Errors
    /// As [`Batch::add_dead_letter`].
    pub(crate) fn add_resolution(&mut self, resolution: &Resolution) -> Result<(), Rejection> {
        let value = serde_json::to_vec(resolution).map_err(|error| Rejection::ours(error.to_string()))?;
        *self.resolved.entry(resolution.how).or_default() += 1;
        self.records.push(Outgoing { topic: DEAD_TOPIC, value, id: Some(resolution.id.clone()) });
        Ok(())
    }

    pub(crate) fn events(&self) -> usize {
        self.records.iter().filter(|record| record.topic == EVENTS_TOPIC).count()
    }

    pub(crate) fn dead_letters(&self) -> usize {
        self.records.len() - self.events() - self.resolved.values().sum::<usize>()
    }
}
