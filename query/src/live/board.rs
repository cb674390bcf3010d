//! What somebody waits for: one place for each KPI of a tenant, which holds the position of its newest change. Nothing queues
//! here: who is slow finds the newest only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// A position before every other, for what changed without one.
const NOWHERE: i64 = -1;

/// The places, by tenant and KPI. Those that nobody waits at any more go when somebody looks.
#[derive(Default)]
pub(crate) struct Board(Mutex<Places>);

type Places = HashMap<Arc<str>, HashMap<String, watch::Sender<i64>>>;

impl Board {
    /// Says from now on up to which position a KPI of a tenant changed.
    pub(crate) fn wait_for(&self, tenant: &Arc<str>, kpi: &str) -> watch::Receiver<i64> {
        let mut places = self.places();
        let of_tenant = places.entry(Arc::clone(tenant)).or_default();
        of_tenant.entry(kpi.to_owned()).or_insert_with(|| watch::Sender::new(NOWHERE)).subscribe()
    }

    /// Cells of a KPI changed.
    pub(crate) fn changed(&self, tenant: &str, kpi: &str, position: i64) {
        if let Some(place) = self.places().get(tenant).and_then(|of_tenant| of_tenant.get(kpi)) {
            place.send_replace(position);
        }
    }

    /// Anything of a tenant may have changed up to a position. It may be known already, and is said again and again.
    pub(crate) fn moved(&self, tenant: &str, position: i64) {
        for place in self.places().get(tenant).into_iter().flat_map(HashMap::values) {
            place.send_if_modified(|known| {
                let is_news = position > *known;
                *known = position.max(*known);
                is_news
            });
        }
    }

    /// Anything of everybody may have changed, and positions may count anew.
    pub(crate) fn shaken(&self) {
        for place in self.places().values().flat_map(HashMap::values) {
            place.send_replace(NOWHERE);
        }
    }

    /// Whose KPIs somebody waits for.
    pub(crate) fn tenants(&self) -> Vec<Arc<str>> {
        let mut places = self.places();
        places.retain(|_, of_tenant| {
            of_tenant.retain(|_, place| place.receiver_count() > 0);
            !of_tenant.is_empty()
        });
        places.keys().cloned().collect()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_waits_for_it_hears_of_it_and_only_of_the_newest() {
        let board = Board::default();
        let (acme, other): (Arc<str>, Arc<str>) = ("acme".into(), "other".into());
        let mut visits = board.wait_for(&acme, "visits");
        let mut calls = board.wait_for(&acme, "calls");
        let foreign = board.wait_for(&other, "visits");
        board.changed("acme", "visits", 4);
        board.changed("acme", "visits", 7);
        board.changed("acme", "leads", 8);
        assert_eq!((*visits.borrow_and_update(), calls.has_changed().unwrap()), (7, false));
        board.moved("acme", 7);
        assert!(!visits.has_changed().unwrap() && calls.has_changed().unwrap() && !foreign.has_changed().unwrap());
        calls.mark_unchanged();
        board.moved("acme", 7);
        assert!(!calls.has_changed().unwrap(), "it is known already");
        board.shaken();
        assert!(visits.has_changed().unwrap() && foreign.has_changed().unwrap());
        drop((visits, calls));
        assert_eq!(board.tenants(), [other]);
    }
}
