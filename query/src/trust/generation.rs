//! Which set of numbers is live, and what it was made with. Asked once for each request and used in all of it, so that an
//! answer cannot mix the cells of one generation with the arithmetic of another.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use clickhouse::Client;
use datafusion::DATAFUSION_VERSION;
use tidemark_schemas::{
    definitions::{Definitions, TenantDefinition},
    kpi::Catalogue,
    tenant::Access,
};

use crate::Error;

/// One set of numbers.
pub(crate) struct Generation {
    /// Its number.
    pub(crate) number: u32,
    /// Its KPIs.
    pub(crate) catalogue: Catalogue,
    tenants: BTreeMap<Arc<str>, TenantDefinition>,
    definitions_hash: String,
    /// KPIs and partitions that were seen to be measured completely, which they remain.
    measured: Mutex<BTreeSet<(String, i32)>>,
}

/// The generation that was live when somebody last asked.
#[derive(Default)]
pub(crate) struct LiveGeneration {
    last: Mutex<Option<Arc<Generation>>>,
}

impl LiveGeneration {
    /// The one of the last time, which may be live no more.
    pub(crate) fn last(&self) -> Option<Arc<Generation>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one that is live now. Its definitions are read again when they are not those of the last time.
    ///
    /// # Errors
    /// There is none yet; it was made by another version of this program; ClickHouse.
    pub(crate) async fn read(&self, clickhouse: &Client) -> Result<Arc<Generation>, Error> {
        let live = clickhouse.query(include_str!("../../sql/live.sql")).fetch_optional::<(u32, String)>().await?;
        let Some((number, hash)) = live else { return Err(Error::NoNumbers) };
        if let Some(last) = self.last().filter(|last| (last.number, &last.definitions_hash) == (number, &hash)) {
            return Ok(last);
        }
        let found = clickhouse.query(include_str!("../../sql/definitions.sql")).param("generation", number);
        let (hash, json) = found.fetch_one::<(String, String)>().await?;
        let read = Arc::new(Generation::new(number, hash, &json)?);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        Ok(read)
    }
}

impl Generation {
    fn new(number: u32, definitions_hash: String, json: &str) -> Result<Self, Error> {
        let other = |reason: String| Error::OtherProgram { generation: number, reason };
        let definitions = Definitions::parse(json).map_err(other)?;
        // Another DataFusion may split a KPI's value into other slots than the cells have.
        if definitions.engine.datafusion != DATAFUSION_VERSION {
            return Err(other(format!("it has DataFusion {}, this one {DATAFUSION_VERSION}", definitions.engine.datafusion)));
        }
        let catalogue = definitions.catalogue().map_err(|error| other(error.to_string()))?;
        Ok(Self { number, catalogue, tenants: definitions.tenants, definitions_hash, measured: Mutex::default() })
    }

    /// What a tenant's money is converted to. One that has no numbers yet is not known here.
    pub(crate) fn currency<'a>(&'a self, access: &'a Access) -> &'a str {
        self.tenants.get(&access.tenant).map_or(&access.settings.currency, |tenant| &tenant.currency)
    }

    /// Makes sure that the facts of a partition are measured for a KPI. To be called before cells are read.
    ///
    /// # Errors
    /// [`Error::Backfilling`]; ClickHouse.
    pub(crate) async fn require_measured(&self, clickhouse: &Client, kpi: &str, partition: i32) -> Result<(), Error> {
        let key = (kpi.to_owned(), partition);
        if self.measured.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return Ok(());
        }
        let query = clickhouse.query(include_str!("../../sql/backfill.sql"));
        let query = query.param("generation", self.number).param("kpi", kpi).param("partition", partition);
        match query.fetch_optional::<u8>().await? {
            Some(percent) if percent < 100 => Err(Error::Backfilling { kpi: key.0, percent }),
            _ => {
                self.measured.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
                Ok(())
            }
        }
    }
}
