//! Turns: so many answers are worked on at a time, and no more of one company than leave room for the others.

use std::{collections::HashMap, sync::Arc};

use tidemark_schemas::tenant::Tenants;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;

/// The turns of all companies.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    by_tenant: HashMap<Arc<str>, Arc<Semaphore>>,
}

/// Held while an answer is worked on.
pub(crate) struct Turn {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new(config: &Config, tenants: &Tenants) -> Self {
        let own = || Arc::new(Semaphore::new(config.concurrent_per_tenant_max));
        let by_tenant = tenants.iter().map(|(name, _)| (Arc::clone(name), own())).collect();
        Self { all: Arc::new(Semaphore::new(config.concurrent_max)), by_tenant }
    }

    /// Waits for the turn of a company. [`None`] only for one that there is not, as nobody closes the turns.
    pub(crate) async fn turn(&self, tenant: &str) -> Option<Turn> {
        // Its own turn first: who waits for that keeps nobody else waiting.
        let of_tenant = Arc::clone(self.by_tenant.get(tenant)?).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Turn { _of_tenant: of_tenant, _of_all: of_all })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn one_company_leaves_room_for_another() {
        let tenants = "[tenant.a]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"\n[tenant.b]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"";
        let config = Config { concurrent_max: 3, concurrent_per_tenant_max: 2, ..Config::default() };
        let turns = Turns::new(&config, &Tenants::parse(tenants).unwrap());
        let moment = Duration::from_millis(20);
        let first = turns.turn("a").await;
        let _second = turns.turn("a").await.unwrap();
        assert!(timeout(moment, turns.turn("a")).await.is_err(), "a third of the same");
        let _other = timeout(moment, turns.turn("b")).await.expect("b has room");
        assert!(timeout(moment, turns.turn("b")).await.is_err(), "there are three");
        drop(first);
        assert!(timeout(moment, turns.turn("a")).await.is_ok());
        assert!(turns.turn("nobody").await.is_none());
    }
}
