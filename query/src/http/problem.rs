//! What a caller hears when there is no answer: a status, a code for programs and a sentence for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::{self, RequestId};
use crate::Error;

/// `{"error": …}` of every answer that is no success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    error: ProblemBody,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ProblemBody {
    /// For programs; stays the same.
    #[schema(value_type = String)]
    code: &'static str,
    /// For people: what, where, and what to do.
    message: String,
    /// The parameter or header that is wrong, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What the access log calls this request; also in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
}

/// What a caller can know and do while there is no ClickHouse; the log has the reason.
const AWAY: &str = "ClickHouse does not answer, so there are no numbers right now; none are lost. Try again in a moment; \
                    if it lasts, whoever operates it looks whether its server runs (/readyz says when it answers again)";

fn status_and_code(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::MissingKey => (StatusCode::UNAUTHORIZED, "missing_key"),
        Error::UnknownKey => (StatusCode::UNAUTHORIZED, "unknown_key"),
        Error::UnknownKpi { .. } => (StatusCode::NOT_FOUND, "unknown_kpi"),
        Error::UnknownPath(_) => (StatusCode::NOT_FOUND, "unknown_path"),
        Error::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method"),
        Error::Parameter { .. } => (StatusCode::BAD_REQUEST, "parameter"),
        Error::Body(_) => (StatusCode::BAD_REQUEST, "body"),
        Error::Sql(_) => (StatusCode::BAD_REQUEST, "sql"),
        Error::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
        Error::Memory => (StatusCode::UNPROCESSABLE_ENTITY, "memory"),
        Error::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        Error::TooManyRows(_) => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_rows"),
        Error::TooManyTokens(_) => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_tokens"),
        Error::TooSlow(_) | Error::TooSlowInside => (StatusCode::UNPROCESSABLE_ENTITY, "too_slow"),
        Error::NotYet { .. } => (StatusCode::GATEWAY_TIMEOUT, "not_yet"),
        Error::Busy(_) => (StatusCode::TOO_MANY_REQUESTS, "busy"),
        Error::Backfilling { .. } => (StatusCode::SERVICE_UNAVAILABLE, "backfilling"),
        Error::NoNumbers => (StatusCode::SERVICE_UNAVAILABLE, "no_numbers"),
        Error::OtherProgram { .. } => (StatusCode::SERVICE_UNAVAILABLE, "other_program"),
        Error::ClickHouse(_) | Error::Silent => (StatusCode::SERVICE_UNAVAILABLE, "clickhouse"),
        Error::Unexpected(_) | Error::Listen { .. } | Error::Serve(_) | Error::Threads(_) | Error::Metrics(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "internal")
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = status_and_code(&self);
        let field = match &self {
            Self::Parameter { parameter, .. } => Some(parameter.clone()),
            Self::MissingKey | Self::UnknownKey => Some("Authorization".to_owned()),
            _ => None,
        };
        let is_told =
            matches!(self, Self::NotYet { .. } | Self::Backfilling { .. } | Self::NoNumbers | Self::OtherProgram { .. });
        let message = if status.is_server_error() && !is_told {
            tracing::error!(error = %self, request_id = request_id::current().as_ref().map(RequestId::as_str), "no answer");
            match self {
                Self::Silent | Self::ClickHouse(clickhouse::error::Error::Network(_)) => AWAY.to_owned(),
                // What the engine says may name tables and settings that are nobody's business.
                _ => "the numbers cannot be read right now; the log of the query service says why".to_owned(),
            }
        } else {
            self.to_string()
        };
        let problem = ProblemBody { code, message, field, request_id: request_id::current() };
        let mut response = (status, Json(Problem { error: problem })).into_response();
        let is_passing = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
        if is_passing.contains(&status) {
            let after = if code == "backfilling" { "5" } else { "1" };
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
