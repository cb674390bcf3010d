//! `tidemark ingest`, `project`, `query`: one service alone, against a Kafka and a ClickHouse that run elsewhere.

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use crate::cli::Place;
use crate::config::Config;
use crate::say::say;
use crate::services::{Service, Services};
use crate::signals::StopSignals;
use crate::telemetry;
use crate::traces::Traces;

/// From a Ctrl-C to the end; after the service only the last spans are sent.
const STOP_WITHIN: Duration = Duration::from_secs(7);

/// Runs it until a signal.
///
/// # Errors
/// It cannot start, or cannot go on.
pub async fn run(place: &Place, service: Service) -> Result<()> {
    let config = Config::load(place.config.as_deref(), place.overrides())?;
    let traces = Traces::connect(&config.telemetry, service.process_name())?;
    telemetry::start(&config.log, &traces)?;
    let mut signals = StopSignals::listen()?;
    let mut services = Services::default();
    let work = async {
        services.start(&config, |wanted| wanted == service).await?;
        say("tidemark is ready");
        services.first_end().await
    };
    let outcome = tokio::select! {
        ended = work => ended,
        () = signals.next() => Ok(()),
    };
    services.stop(Instant::now() + STOP_WITHIN).await;
    traces.end().await;
    outcome
}
