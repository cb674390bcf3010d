//! Watch: notices when the numbers that this process makes are no longer wanted, or are to be made with more definitions.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    sink::{GenerationId, Sink},
};

/// Runs until `shutdown`.
///
/// # Errors
/// [`Error::Superseded`].
pub async fn watch<K: Sink>(sink: Arc<K>, mine: GenerationId, every: Duration, shutdown: CancellationToken) -> Result<(), Error> {
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = looks.tick() => {}
        }
        match sink.stands(&mine).await {
            Ok(true) => {}
            Ok(false) => return Err(Error::Superseded),
            // The workers say what is wrong with the store.
            Err(error) => tracing::debug!(%error, "the generation is not known"),
        }
    }
}
