//! All routes on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};

use crate::{
    http::{access_log::log_access, events::post_events, health, unknown},
    service::Service,
};

pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/v1/events", post(post_events))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .method_not_allowed_fallback(unknown::method)
        .fallback(unknown::path)
        .layer(from_fn_with_state(service.clone(), log_access))
        .with_state(service)
}
