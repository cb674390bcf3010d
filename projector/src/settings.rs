//! What numbers depend on beside the log: the tenants' settings, their stage pipelines and the KPI files.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Datelike};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidemark_schemas::{
    kpi::Catalogue,
    log::partition_of,
    pipeline::StagePipeline,
    tenant::{Tenant, Tenants},
};

use crate::{Error, registry::Registry, sabotage::Sabotage};

/// Days from 0001-01-01 (day 1 of chrono's count) to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Changes whenever a fold gives another fact for the same events, so that old and new numbers never mix.
const FOLDS_VERSION: u32 = 2;

/// Everything that a fold may know besides events.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The KPI files.
    pub catalogue: Arc<Catalogue>,
    /// Which set of numbers is written.
    pub generation: u32,
    /// Where the schema ids of records may come from.
    pub registry: Arc<Registry>,
    tenants: BTreeMap<Arc<str>, TenantSettings>,
    sabotage: Option<Sabotage>,
}

/// One tenant's part.
#[derive(Debug, Clone)]
pub struct TenantSettings {
    /// Its name.
    pub name: Arc<str>,
    /// Time zone and currency.
    pub tenant: Arc<Tenant>,
    /// The order of its stages.
    pub pipeline: Arc<StagePipeline>,
}

impl Settings {
    /// Puts them together.
    ///
    /// # Errors
    /// A tenant names a pipeline that does not exist.
    pub fn new(
        tenants: &Tenants,
        pipelines: &BTreeMap<String, Arc<StagePipeline>>,
        catalogue: Arc<Catalogue>,
        generation: u32,
    ) -> Result<Self, Error> {
        let tenants = tenants.iter().map(|(name, tenant)| {
            let unknown =
                || Error::Invalid(format!("tenant {name}: there is no pipeline {:?} in schemas/pipelines", tenant.pipeline));
            let pipeline = pipelines.get(&tenant.pipeline).ok_or_else(unknown)?.clone();
            Ok((name.clone(), TenantSettings { name: name.clone(), tenant: tenant.clone(), pipeline }))
        });
        let tenants = tenants.collect::<Result<_, Error>>()?;
        Ok(Self { catalogue, generation, registry: Arc::default(), tenants, sabotage: None })
    }

    /// With a schema registry that gives ids.
    #[must_use]
    pub fn with_registry(self, registry: Arc<Registry>) -> Self {
        Self { registry, ..self }
    }

    /// The same without one protection, for the simulator.
    #[doc(hidden)]
    #[must_use]
    pub fn sabotaged(self, sabotage: Option<Sabotage>) -> Self {
        Self { sabotage, ..self }
    }

    /// Whether a protection is switched off; never but in the simulator.
    pub(crate) fn lacks(&self, protection: Sabotage) -> bool {
        self.sabotage == Some(protection)
    }

    /// What the numbers are made with, besides each tenant's settings: KPI files, folds, the engine of their expressions.
    #[must_use]
    pub fn definitions_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("folds {FOLDS_VERSION} datafusion {}", datafusion::DATAFUSION_VERSION));
        for (name, text) in self.catalogue.texts() {
            hash.update(format!("\0{name}\0{text}"));
        }
        hex::encode(hash.finalize())
    }

    /// The tenants whose events are in that one of so many partitions.
    #[must_use]
    pub fn tenants_of(&self, partition: i32, partitions: i32) -> Vec<Arc<str>> {
        self.tenants.keys().filter(|name| partition_of(name, partitions) == partition).cloned().collect()
    }

    /// A tenant's settings.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&TenantSettings> {
        self.tenants.get(name)
    }
}

/// The part of a tenant's settings that its facts depend on, kept with its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantMark {
    time_zone: String,
    currency: String,
    pipeline: StagePipeline,
}

impl TenantMark {
    /// What is different in `now`; none where numbers may go on.
    #[must_use]
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self.time_zone != now.time_zone {
            return Some(format!("its time zone was {} and is {} now", self.time_zone, now.time_zone));
        }
        if self.currency != now.currency {
            return Some(format!("its currency was {} and is {} now", self.currency, now.currency));
        }
        (self.pipeline != now.pipeline).then(|| "its stage pipeline was another".to_owned())
    }
}

impl TenantSettings {
    /// What its facts depend on.
    #[must_use]
    pub fn mark(&self) -> TenantMark {
        let Tenant { time_zone, currency, .. } = self.tenant.as_ref();
        TenantMark { time_zone: time_zone.to_string(), currency: currency.clone(), pipeline: self.pipeline.as_ref().clone() }
    }

    /// The business date of an instant: days since 1970-01-01 in the tenant's time zone.
    #[must_use]
    pub fn business_date(&self, instant_ms: i64) -> i32 {
        let utc = DateTime::from_timestamp_millis(instant_ms).unwrap_or_default();
        utc.with_timezone(&self.tenant.time_zone).num_days_from_ce() - EPOCH_DAYS
    }
}
