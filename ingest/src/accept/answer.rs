//! What a client hears: which events are in, which are not and why, and where in the log they are.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tidemark_schemas::log::Position;

use super::validate::Problem;
use crate::http::request_id::{self, RequestId};

/// The answer to a body that could be read.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    /// Events that are in the log now, copies on disk as Kafka was told; duplicates count.
    pub(crate) accepted: usize,
    /// What was wrong with the others, in their order; one entry for each problem.
    pub(crate) refused: Vec<Refusal>,
    /// Where the last accepted event is; what `after=` takes.
    #[serde(serialize_with = "token")]
    pub(crate) position: Option<Position>,
    /// Only when nothing was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorBody>,
}

/// One problem of one event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refusal {
    /// Which event of the body, from 0; in NDJSON empty lines do not count.
    pub(crate) index: usize,
    #[serde(flatten)]
    pub(crate) problem: Problem,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn token<S: serde::Serializer>(position: &Option<Position>, serializer: S) -> Result<S::Ok, S::Error> {
    match position {
        Some(position) => serializer.collect_str(position),
        None => serializer.serialize_none(),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = if self.accepted > 0 { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        (status, Json(self)).into_response()
    }
}

/// `{"error": …}` of every answer that is no success.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// What the access log calls this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
}

impl ErrorBody {
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        Self { code, message, field: None, request_id: request_id::current() }
    }
}

/// The answer to a request that was not taken at all.
#[derive(Debug)]
pub(crate) struct Rejection {
    status: StatusCode,
    pub(crate) body: ErrorBody,
    retry_after_s: Option<u64>,
}

impl Rejection {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(code, message.into()), retry_after_s: None }
    }

    pub(crate) fn unauthorized(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message).of_field("Authorization")
    }

    pub(crate) fn unsupported(code: &'static str, message: String) -> Self {
        let field = if code == "content_encoding" { "Content-Encoding" } else { "Content-Type" };
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message).of_field(field)
    }

    pub(crate) fn too_large(code: &'static str, message: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, code, message)
    }

    /// Nothing is lost by trying again after `seconds`.
    pub(crate) fn later(status: StatusCode, code: &'static str, message: String, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..Self::new(status, code, message) }
    }

    pub(crate) fn ours(message: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    fn of_field(mut self, field: &'static str) -> Self {
        self.body.field = Some(field);
        self
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Envelope {
            error: ErrorBody,
        }
        let code = self.body.code;
        let mut response = (self.status, Json(Envelope { error: self.body })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == "content_encoding" {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
