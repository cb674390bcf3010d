//! Every route: queries on `/` and `/query`, and what health checks ask for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{Method, StatusCode};

use crate::http::query::{self, Face};

/// The whole protocol over one engine.
pub(crate) fn router(face: Arc<Face>) -> Router {
    Router::new()
        .route("/", any(root))
        .route("/query", any(root))
        .route("/ping", any(ok))
        .route("/replicas_status", any(ok))
        .fallback(nothing)
        .with_state(face)
}

async fn ok() -> &'static str {
    "Ok.\n"
}

async fn root(State(face): State<Arc<Face>>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD if request.uri().query().unwrap_or_default().is_empty() => "Ok.\n".into_response(),
        Method::GET | Method::HEAD | Method::POST => query::handle(face, request).await,
        _ => (StatusCode::METHOD_NOT_ALLOWED, "Use GET or POST.\n").into_response(),
    }
}

async fn nothing(request: Request) -> Response {
    let message = format!("There is no handle {}\n\nUse / or /ping for health checks.\n", request.uri().path());
    (StatusCode::NOT_FOUND, message).into_response()
}
