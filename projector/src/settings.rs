//! What numbers depend on beside the log: the tenants' settings, their stage pipelines and the KPI files.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Datelike};
use tidemark_schemas::{
    definitions::{Definitions, TenantDefinition},
    kpi::Catalogue,
    log::partition_of,
};

use crate::{Error, registry::Registry, sabotage::Sabotage};

/// Days from 0001-01-01 (day 1 of chrono's count) to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Changes whenever a fold gives another fact for the same events, so that old and new numbers never mix, and whenever the
/// state holds them otherwise.
pub const FOLDS_VERSION: u32 = 3;

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
    /// Time zone, currency and the order of its stages.
    pub tenant: TenantDefinition,
}

impl Settings {
    /// What the definitions of a generation say.
    ///
    /// # Errors
    /// A KPI that this program cannot plan.
    pub fn new(definitions: &Definitions, generation: u32) -> Result<Self, Error> {
        let catalogue = definitions.catalogue().map_err(|error| Error::Invalid(error.to_string()))?;
        let tenants = definitions.tenants.iter().map(|(name, tenant)| {
            let settings = TenantSettings { name: name.clone(), tenant: tenant.clone() };
            (name.clone(), settings)
        });
        Ok(Self {
            catalogue: Arc::new(catalogue),
            generation,
            registry: Arc::default(),
            tenants: tenants.collect(),
            sabotage: None,
        })
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

    /// Every tenant's name.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tenants.keys()
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

impl TenantSettings {
    /// The business date of an instant: days since 1970-01-01 in the tenant's time zone.
    #[must_use]
    pub fn business_date(&self, instant_ms: i64) -> i32 {
        let utc = DateTime::from_timestamp_millis(instant_ms).unwrap_or_default();
        utc.with_timezone(&self.tenant.time_zone).num_days_from_ce() - EPOCH_DAYS
    }
}
