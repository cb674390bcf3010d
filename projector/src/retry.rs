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
    let mut pause_ms = config.retry_ms_min;
    loop {
        match attempt().await {
            Err(error) if error.is_transient() => {
                tracing::info!(%error, "waiting");
                clock.sleep(pause_ms).await;
                pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            }
            outcome => return outcome,
        }
    }
}
