//! What all runs share: companies over two partitions, and the KPI files, planned once. A run measures a part of the
//! KPIs, another one each seed, so that a run is quick and all runs together measure all; half of them may be added later.

use std::{collections::BTreeMap, sync::Arc};

use tidemark_projector::{
    measure::Measures,
    sabotage::Sabotage,
    settings::{FOLDS_VERSION, Settings},
    sink::GenerationId,
    source::Metrics,
};
use tidemark_schemas::{
    definitions::{self, Engine},
    kpi::Catalogue,
    log::partition_of,
    pipeline::{StagePipeline, shipped_pipelines},
    tenant::Tenants,
};

/// The set of numbers that is made.
pub(crate) const GENERATION: u32 = 1;
/// Partitions of the log.
pub(crate) const PARTITIONS: usize = 2;
/// KPIs of one run.
const KPIS_OF_A_RUN: usize = 8;
/// In time zones with and without daylight saving, and with days that begin at half past an hour of UTC.
const TENANTS: &str = r#"
[tenant.acme]
time_zone = "America/New_York"
currency = "CNY"
[tenant.globex]
time_zone = "Asia/Kolkata"
currency = "USD"
[tenant.initech]
time_zone = "Asia/Shanghai"
currency = "CNY"
[tenant.umbrella]
time_zone = "Europe/Berlin"
currency = "EUR"
"#;

/// Everything that a run needs and does not change.
pub struct Company {
    pub(crate) tenants: Tenants,
    pub(crate) pipelines: BTreeMap<String, Arc<StagePipeline>>,
    pub(crate) metrics: Arc<Metrics>,
    /// Before and after KPIs are added.
    groups: Vec<(Definitions, Definitions)>,
}

/// A part of the KPIs, for the projector and for the model.
#[derive(Clone)]
pub(crate) struct Definitions {
    pub(crate) id: GenerationId,
    /// Those that were not there from the beginning.
    pub(crate) added: Arc<[String]>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) measures: Arc<Measures>,
    pub(crate) model: Arc<tidemark_verify::Measures>,
}

impl Company {
    /// Plans the shipped KPIs, for a projector that may lack one protection.
    ///
    /// # Errors
    /// A shipped definition is invalid.
    pub fn new(sabotage: Option<Sabotage>) -> Result<Self, String> {
        let tenants = Tenants::parse(TENANTS).map_err(|error| error.to_string())?;
        let pipelines = shipped_pipelines()?;
        let shipped = Catalogue::shipped().map_err(|error| error.to_string())?;
        let texts: Vec<(&str, &str)> = shipped.texts().collect();
        let parts = texts.len().div_ceil(KPIS_OF_A_RUN);
        let define = |texts: &[(&str, &str)], added: &[(&str, &str)]| {
            let mut catalogue = Catalogue::default();
            for (name, text) in texts {
                catalogue.add(name, text).map_err(|error| error.to_string())?;
            }
            let engine = Engine::of_this_program(FOLDS_VERSION);
            let files = definitions::Definitions::new(engine, &catalogue, &tenants, &pipelines)?;
            let settings = Settings::new(&files, GENERATION).map_err(|error| error.to_string())?;
            Ok::<_, String>(Definitions {
                id: GenerationId { generation: GENERATION, definitions_hash: files.hash() },
                added: added.iter().map(|(name, _)| (*name).to_owned()).collect(),
                settings: Arc::new(settings.sabotaged(sabotage)),
                measures: Arc::new(Measures::plan(&catalogue).map_err(|error| error.to_string())?),
                model: Arc::new(tidemark_verify::Measures::plan(&catalogue).map_err(|error| error.to_string())?),
            })
        };
        let groups = (0..parts).map(|part| {
            let all: Vec<(&str, &str)> = texts.iter().skip(part).step_by(parts).copied().collect();
            let (early, added) = all.split_at(all.len() / 2);
            Ok((define(early, &[])?, define(&all, added)?))
        });
        let groups = groups.collect::<Result<_, String>>()?;
        Ok(Self { tenants, pipelines, metrics: Arc::new(Metrics::new()), groups })
    }

    /// Those of a seed: before and after KPIs are added.
    pub(crate) fn definitions(&self, seed: u64) -> (Definitions, Definitions) {
        let index = usize::try_from(seed % self.groups.len() as u64).unwrap_or(0);
        self.groups[index].clone()
    }

    /// The companies of a partition.
    pub(crate) fn tenants_of(&self, partition: usize) -> impl Iterator<Item = &Arc<str>> {
        self.tenants.iter().map(|(name, _)| name).filter(move |name| partition_index(name) == partition)
    }
}

/// The partition that a company is in.
pub(crate) fn partition_index(tenant: &str) -> usize {
    usize::try_from(partition_of(tenant, PARTITIONS as i32)).unwrap_or(0)
}
