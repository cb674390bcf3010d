//! A request as a trace: its span goes on from the sender's `traceparent` (W3C Trace Context), or begins a trace.
//! Without an exporter these spans are never made (`[telemetry]` in tidemark.toml).

use axum::{
    extract::{MatchedPath, Request},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use opentelemetry::{global, propagation::Extractor};
use tidemark_schemas::log::TRACES;
use tracing::{Instrument, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::request_id;
use crate::telemetry::AccessNote;

pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        target: TRACES,
        "request",
        otel.name = format_args!("{} {route}", request.method()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = request.method().as_str(),
        http.route = route,
        http.response.status_code = Empty,
        tidemark.request_id = request_id::current().as_ref().map(request_id::RequestId::as_str),
        tidemark.tenant = Empty,
        tidemark.events.accepted = Empty,
    );
    if span.is_disabled() {
        return next.run(request).await;
    }
    let sender = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(request.headers())));
    if let Err(error) = span.set_parent(sender) {
        tracing::debug!(%error, "the sender's trace cannot be gone on with");
    }
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    if let Some(note) = response.extensions().get::<AccessNote>() {
        span.record("tidemark.tenant", note.tenant.as_deref());
        span.record("tidemark.events.accepted", note.accepted);
    }
    response
}

/// What of the headers the propagator asks for.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
