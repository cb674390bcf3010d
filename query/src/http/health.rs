//! Whether the process lives, whether it can answer, and its metrics.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, http::header, response::IntoResponse};
use serde_json::{Value, json};
use tidemark_schemas::table::schema_steps;

use crate::service::Service;

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The process lives")))]
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// ClickHouse answers, has every table, and numbers that this program can read.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "Questions can be answered"),
    (status = 503, description = "They cannot, and why"),
))]
pub(crate) async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Value>) {
    if !service.clickhouse_answers().await {
        let reason = "ClickHouse does not answer";
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason })));
    }
    let expected = schema_steps().len() as u64;
    match service.clickhouse.query(include_str!("../../sql/applied_steps.sql")).fetch_one::<u64>().await {
        Ok(applied) if applied >= expected => match service.live.read(&service.clickhouse).await {
            Ok(_) => (StatusCode::OK, Json(json!({ "status": "ready" }))),
            Err(error) => {
                let reason = error.to_string();
                (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason })))
            }
        },
        Ok(applied) => {
            let reason = format!("{applied} of {expected} schema steps are applied: has a projector been started?");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason })))
        }
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let reason = "ClickHouse does not answer, or has no tables yet";
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason })))
        }
    }
}

/// Prometheus' text form.
#[utoipa::path(get, path = "/metrics", responses((status = 200, description = "Metrics", content_type = "text/plain")))]
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], service.metrics.render())
}
