//! What the tests share: one company, its settings, logs from events, and a projector that crashes when told.

use std::{collections::BTreeMap, sync::Arc};

use tidemark_projector::{
    measure::Measures,
    pipeline::{Partition, Record},
    settings::{FOLDS_VERSION, Settings},
    sink::{MemorySink, write},
    state::State,
};
use tidemark_schemas::{
    definitions::{Definitions, Engine},
    events::{Event, wire},
    kpi::Catalogue,
    pipeline::{StagePipeline, shipped_pipelines},
    tenant::Tenants,
};

pub const TENANT: &str = "acme";

/// A company in a time zone with daylight saving, so that business dates are not UTC dates.
pub struct Organisation {
    pub tenants: Tenants,
    pub pipelines: BTreeMap<String, Arc<StagePipeline>>,
    pub catalogue: Arc<Catalogue>,
    pub definitions: Definitions,
    pub settings: Arc<Settings>,
    pub measures: Arc<Measures>,
}

impl Organisation {
    pub fn new() -> Self {
        Self::with(|_| true)
    }

    /// With some of the KPIs.
    pub fn with(wanted: impl Fn(&str) -> bool) -> Self {
        let tenants = Tenants::parse("[tenant.acme]\ntime_zone = \"America/New_York\"\ncurrency = \"CNY\"").unwrap();
        let pipelines = shipped_pipelines().unwrap();
        let shipped = Catalogue::shipped().unwrap();
        let mut catalogue = Catalogue::default();
        for (name, text) in shipped.texts().filter(|(name, _)| wanted(name)) {
            catalogue.add(name, text).unwrap();
        }
        let catalogue = Arc::new(catalogue);
        let definitions = Definitions::new(Engine::of_this_program(FOLDS_VERSION), &catalogue, &tenants, &pipelines).unwrap();
        let settings = Arc::new(Settings::new(&definitions, 1).unwrap());
        let measures = Arc::new(Measures::plan(&catalogue).unwrap());
        Self { tenants, pipelines, catalogue, definitions, settings, measures }
    }

    pub fn open<S: State>(&self, state: S) -> Partition<S> {
        Partition::open(0, state, self.settings.clone(), self.measures.clone()).unwrap()
    }
}

/// The events as records of a log.
pub fn log(events: &[Event]) -> Vec<Record> {
    let record = |(offset, event): (i64, &Event)| Record {
        from_registry: false,
        offset,
        appended_at: 1_777_600_000_000 + offset,
        key: Some(TENANT.as_bytes().to_vec()),
        value: wire::encode(event).unwrap(),
    };
    (0..).zip(events).map(record).collect()
}

/// Where a projector dies in the making of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    BeforeWrite,
    BeforeCommit,
}

/// Projects a log in batches of these sizes (the last one repeats), dying where `crash` says for a batch's number;
/// after a crash the next batch begins at the position that was committed.
pub fn project<S: State>(
    partition: &mut Partition<S>,
    sink: &MemorySink,
    log: &[Record],
    sizes: &[usize],
    mut crash: impl FnMut(usize) -> Option<Crash>,
) {
    let mut number = 0;
    loop {
        let next = usize::try_from(partition.mark().next_offset).unwrap();
        if next >= log.len() {
            return;
        }
        let size = sizes[number.min(sizes.len() - 1)].min(log.len() - next);
        let batch = partition.project(&log[next..next + size], "log").unwrap();
        assert!(batch.stalled.is_none());
        let crash = crash(number);
        number += 1;
        if crash == Some(Crash::BeforeWrite) {
            continue;
        }
        futures::executor::block_on(write(sink, &batch.rows)).unwrap();
        if crash != Some(Crash::BeforeCommit) {
            partition.commit(batch.writes, batch.mark).unwrap();
        }
    }
}
