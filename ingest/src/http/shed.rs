//! Overload: what is more than can be worked on is turned away at once, instead of waiting where it costs memory.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{accept::Rejection, service::Service};

pub(crate) async fn shed(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let Ok(_turn) = service.turns.try_acquire() else {
        return too_many(&service).into_response();
    };
    next.run(request).await
}

fn too_many(service: &Service) -> Rejection {
    let most = service.config.requests_max;
    let message = format!("{most} requests are being answered already; nothing was kept, send the same again later");
    Rejection::later(StatusCode::SERVICE_UNAVAILABLE, "overload", message, service.config.retry_after_s)
}
