//! Statements that were prepared and not closed yet. Drivers prepare everything, so they are many and short-lived.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use datafusion::common::ParamValues;
use uuid::Uuid;

/// How long one is kept that nobody uses.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// How many are kept, of all callers together; the one that was used the longest ago goes first.
const KEPT_MAX: usize = 10_000;

/// A prepared statement and what was bound to it.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// Who prepared it; nobody else can run it.
    pub(super) tenant: Arc<str>,
    /// Its text.
    pub(super) sql: Arc<str>,
    /// What is in the place of `$1` and so on.
    pub(super) parameters: Option<ParamValues>,
}

/// All of them by handle.
#[derive(Debug, Default)]
pub(super) struct Prepared(Mutex<HashMap<Uuid, (Instant, Statement)>>);

impl Prepared {
    /// Keeps one; its handle.
    pub(super) fn keep(&self, statement: Statement) -> Uuid {
        let mut kept = self.kept();
        let now = Instant::now();
        kept.retain(|_, (used, _)| now.duration_since(*used) < KEPT_FOR);
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.iter().min_by_key(|(_, (used, _))| *used).map(|(handle, _)| *handle)
        {
            kept.remove(&oldest);
        }
        let handle = Uuid::new_v4();
        kept.insert(handle, (now, statement));
        handle
    }

    /// The statement of a handle, if it is this tenant's.
    pub(super) fn find(&self, handle: &[u8], tenant: &str) -> Option<Statement> {
        let mut kept = self.kept();
        let (used, statement) = kept.get_mut(&Uuid::from_slice(handle).ok()?)?;
        *used = Instant::now();
        (*statement.tenant == *tenant).then(|| statement.clone())
    }

    /// Binds values to it; whether it is there.
    pub(super) fn bind(&self, handle: &[u8], tenant: &str, parameters: ParamValues) -> bool {
        let Ok(handle) = Uuid::from_slice(handle) else { return false };
        match self.kept().get_mut(&handle) {
            Some((_, statement)) if *statement.tenant == *tenant => {
                statement.parameters = Some(parameters);
                true
            }
            _ => false,
        }
    }

    /// Forgets it.
    pub(super) fn close(&self, handle: &[u8], tenant: &str) {
        if let (Some(_), Ok(handle)) = (self.find(handle, tenant), Uuid::from_slice(handle)) {
            self.kept().remove(&handle);
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Uuid, (Instant, Statement)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
