//! What every door does around its answer: it says who was asked by, and what the access log may say of it.

use axum::{
    body::Body,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::{
    body::{BoundedBody, read_body},
    encoding::Encoding,
};
use crate::{
    accept::{
        Rejection,
        authenticate::{Caller, authenticate},
    },
    service::Service,
    telemetry::AccessNote,
};

/// Answers, with what the access log may say.
pub(super) async fn noted<A: IntoResponse>(answer: impl AsyncFnOnce(&mut AccessNote) -> Result<A, Rejection>) -> Response {
    let mut note = AccessNote::default();
    let mut response = answer(&mut note).await.map_or_else(IntoResponse::into_response, IntoResponse::into_response);
    response.extensions_mut().insert(note);
    response
}

/// Who asks.
///
/// # Errors
/// As [`authenticate`].
pub(super) fn known<'a>(service: &'a Service, headers: &HeaderMap, note: &mut AccessNote) -> Result<Caller<'a>, Rejection> {
    let caller = authenticate(&service.tenants, headers)?;
    note.tenant = Some(caller.access.tenant.to_string());
    Ok(caller)
}

/// The body, whose size is noted.
///
/// # Errors
/// As [`read_body`]; an encoding that we do not know.
pub(super) async fn body_of(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    note: &mut AccessNote,
) -> Result<BoundedBody, Rejection> {
    let body = read_body(service, headers, Encoding::of(headers)?, body).await?;
    note.body_bytes = Some(body.bytes.len());
    Ok(body)
}
