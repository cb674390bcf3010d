//! What operators ask a projector: `/healthz`, `/readyz`, `/metrics`.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Offsets, Status};
use crate::{Error, generations::Claim, metrics::Metrics};

/// What the answers are made from.
#[derive(Clone)]
struct Shared {
    metrics: Arc<Metrics>,
    offsets: Arc<Offsets>,
    statuses: Arc<[Arc<Status>]>,
    claim: Claim,
}

/// Serves until `shutdown`.
///
/// # Errors
/// The address is taken.
pub async fn serve(
    listen: SocketAddr,
    metrics: Arc<Metrics>,
    offsets: Arc<Offsets>,
    statuses: Vec<Arc<Status>>,
    claim: Claim,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async |State(shared): State<Shared>| shared.metrics.render()))
        .with_state(Shared { metrics, offsets, statuses: statuses.into(), claim });
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
    let status = if stalled.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let redefined: Vec<&str> = shared.claim.redefined.split_terminator(',').collect();
    let generation = shared.claim.id.generation;
    (status, Json(json!({ "generation": generation, "partitions": assigned, "stalled": stalled, "redefined": redefined })))
}
