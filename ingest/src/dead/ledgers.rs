//! Ledgers between two questions: whoever asks page by page, or replays letter by letter, asks soon again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::ledger::Ledger;

/// Ledgers that are kept; one of 200,000 letters takes about 60 MB.
const LEDGERS_MAX: usize = 2;
/// How long one is kept that nobody asks.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(30);

/// The ledgers of those who asked last.
#[derive(Clone, Default)]
pub(super) struct Ledgers(Arc<Mutex<Vec<OfTenant>>>);

/// A tenant's ledger; none before the first question, and after one that could not be answered.
pub(super) type Kept = Arc<Mutex<Option<Ledger>>>;

struct OfTenant {
    tenant: Arc<str>,
    asked_at: Instant,
    ledger: Kept,
}

impl Ledgers {
    /// Questions of one tenant share its ledger, each waiting while another brings it up to date.
    pub(super) fn of(&self, tenant: &Arc<str>) -> Kept {
        let mut all = locked(&self.0);
        let known = all.iter().position(|kept| kept.tenant == *tenant).map(|index| all.remove(index).ledger);
        let ledger = known.unwrap_or_default();
        all.insert(0, OfTenant { tenant: tenant.clone(), asked_at: Instant::now(), ledger: ledger.clone() });
        all.truncate(LEDGERS_MAX);
        ledger
    }

    /// Those that nobody asked for a while.
    pub(super) fn forget_idle(&self) {
        locked(&self.0).retain(|kept| kept.asked_at.elapsed() < KEPT_FOR);
    }
}

pub(super) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
