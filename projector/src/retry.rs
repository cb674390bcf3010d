//! Trying again what may get better by waiting.

use crate::{Config, Error, source::Clock};

/// Longest pause before something is tried again, milliseconds: servers that come up are noticed at once.
const PAUSE_MS_MAX: u64 = 1_000;

/// Tries until it works or cannot work: servers may start in any order, and may go away for a while.
///
/// # Errors
/// What does not get better by waiting.
pub async fn patiently<T, F: Future<Output = Result<T, Error>>>(
    config: &Config,
    clock: &dyn Clock,
    attempt: impl Fn() -> F,
) -> Result<T, Error> {
    let (mut pause_ms, mut said) = (config.retry_ms_min, Said::default());
    loop {
        match attempt().await {
            Err(error) if error.is_transient() => {
                if said.is_news(&error) {
                    tracing::warn!(%error, "waiting");
                }
                clock.sleep(pause_ms).await;
                pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            }
            outcome => return outcome,
        }
    }
}

/// What was said last about something that goes on failing: once for each reason is enough, however long it takes.
#[derive(Debug, Default)]
pub struct Said(String);

impl Said {
    /// Whether this is another reason than the last.
    pub fn is_news(&mut self, reason: &Error) -> bool {
        let reason = reason.to_string();
        let is_news = reason != self.0;
        self.0 = reason;
        is_news
    }

    /// It went well: the same reason is news again.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}
