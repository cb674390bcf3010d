//! All routes on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};

use crate::{
    http::{access_log::log_access, explain, freshness, health, kpis, live, openapi, request_id::identify, sql, stocks, unknown},
    service::Service,
};

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/kpis", get(kpis::list))
        .route("/v1/kpis/{name}", get(kpis::answer))
        .route("/v1/explain", get(explain::answer))
        .route("/v1/live", get(live::listen))
        .route("/v1/stocks/{name}", get(stocks::answer))
        .route("/v1/sql", post(sql::answer))
        .route("/v1/freshness", get(freshness::freshness))
        .route("/openapi.json", get(openapi::document))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .method_not_allowed_fallback(unknown::method)
        .fallback(unknown::path)
        .layer(from_fn_with_state(Arc::clone(&service), log_access))
        .layer(from_fn(identify))
        .with_state(service)
}
