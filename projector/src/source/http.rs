//! What operators ask a projector: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    LogStatus, Offsets, Status,
    log::{Clock as _, WallClock},
};
use crate::{Config, Error, generations::Claim, metrics::Metrics};

/// What the answers are made from.
#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    offsets: Arc<Offsets>,
    statuses: Arc<[Arc<Status>]>,
    log_status: Arc<LogStatus>,
    claim: Claim,
    waiting_after_ms: i64,
}

/// How the parts of a process are doing.
pub struct Health {
    /// Its workers.
    pub statuses: Vec<Arc<Status>>,
    /// The log.
    pub log_status: Arc<LogStatus>,
}

/// A partition whose batch does not get in.
struct Waiting {
    partition: usize,
    for_ms: i64,
    reason: String,
}

impl Shared {
    fn waiting(&self) -> Vec<Waiting> {
        let now_ms = WallClock.now_ms();
        let trying = self.statuses.iter().enumerate().filter_map(|(partition, status)| Some((partition, status.trying()?)));
        let waiting = trying.map(|(partition, (since_ms, failed))| {
            let slow =
                || "the batch is still under way: ClickHouse or Kafka is slow, or KPIs that were added are measured".to_owned();
            Waiting { partition, for_ms: now_ms - since_ms, reason: failed.unwrap_or_else(slow) }
        });
        waiting.filter(|waiting| waiting.for_ms >= self.waiting_after_ms).collect()
    }
}

/// Serves until `shutdown`.
///
/// # Errors
/// The address is taken.
pub async fn serve(
    config: Config,
    metrics: Arc<Metrics>,
    offsets: Arc<Offsets>,
    health: Health,
    claim: Claim,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let listen = config.listen;
    let Health { statuses, log_status } = health;
    let waiting_after_ms = i64::try_from(config.waiting_after_ms).unwrap_or(i64::MAX);
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Shared { metrics, offsets, statuses: statuses.into(), log_status, claim, waiting_after_ms });
    let refused = |error: std::io::Error| Error::Invalid(format!("projector.listen {listen}: {error}; choose another port"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(refused)?;
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { shutdown.cancelled().await });
    served.await.map_err(|error| Error::Internal(error.to_string()))
}

async fn ready(State(shared): State<Shared>) -> (StatusCode, Json<Value>) {
    let assigned = shared.offsets.assigned();
    let reasons = shared.statuses.iter().map(|status| status.stalled()).enumerate();
    let stalled: Vec<Value> =
        reasons.filter_map(|(partition, reason)| Some(json!({ "partition": partition, "reason": reason? }))).collect();
    let waiting: Vec<Value> = shared
        .waiting()
        .into_iter()
        .map(|waiting| json!({ "partition": waiting.partition, "seconds": waiting.for_ms / 1_000, "reason": waiting.reason }))
        .collect();
    let kafka = shared.log_status.away();
    let is_well = stalled.is_empty() && waiting.is_empty() && kafka.is_none();
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let redefined: Vec<&str> = shared.claim.redefined.split_terminator(',').collect();
    let generation = shared.claim.id.generation;
    let mut answer = json!({
        "generation": generation, "partitions": assigned, "stalled": stalled, "waiting": waiting, "redefined": redefined,
    });
    if let Some(reason) = kafka {
        answer["kafka"] = reason.into();
    }
    (status, Json(answer))
}

async fn metrics_text(State(shared): State<Shared>) -> String {
    let waiting = shared.waiting();
    for partition in 0..shared.statuses.len() {
        let waits = waiting.iter().find(|waiting| waiting.partition == partition);
        shared.metrics.waiting(partition, waits.map_or(0, |waits| waits.for_ms));
    }
    shared.metrics.render()
}
