//! The one source of time: milliseconds UTC, and a measure of what has passed, injected so that tests decide what time it is.

use std::{fmt, sync::Arc, time::Duration};

use tidemark_schemas::events::payload::Instant;

/// Tells the time.
#[derive(Clone)]
pub struct Clock {
    now_ms: Arc<dyn Fn() -> Instant + Send + Sync>,
    passed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn system() -> Self {
        let start = std::time::Instant::now();
        Self { now_ms: Arc::new(|| chrono::Utc::now().timestamp_millis()), passed: Arc::new(move || start.elapsed()) }
    }

    /// Whatever `now_ms` says, milliseconds since 1970 UTC.
    #[must_use]
    pub fn from_fn(now_ms: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        let now_ms: Arc<dyn Fn() -> Instant + Send + Sync> = Arc::new(now_ms);
        let same = now_ms.clone();
        Self { now_ms, passed: Arc::new(move || Duration::from_millis(u64::try_from(same()).unwrap_or(0))) }
    }

    pub(crate) fn now_ms(&self) -> Instant {
        (self.now_ms)()
    }

    /// Since some start, never backwards, also when somebody sets the machine's time.
    pub(crate) fn passed(&self) -> Duration {
        (self.passed)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
