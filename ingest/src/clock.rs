//! The one source of time: milliseconds UTC, injected so that tests decide what time it is.

use std::{fmt, sync::Arc};

use tidemark_schemas::events::payload::Instant;

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(|| chrono::Utc::now().timestamp_millis()))
    }

    /// Whatever `now_ms` says, milliseconds since 1970 UTC.
    #[must_use]
    pub fn from_fn(now_ms: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(crate) fn now_ms(&self) -> Instant {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
