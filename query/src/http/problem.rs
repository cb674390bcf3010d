//! What a caller hears when there is no answer: a status, a code for programs and a sentence for people.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::{self, RequestId};
use crate::{
    Error,
    sql::{self, Place},
};

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
    /// Where in the SQL, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Place>,
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
        Error::Sql(_) | Error::ReadOnly(_) => (StatusCode::BAD_REQUEST, "sql"),
        Error::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
        Error::Memory => (StatusCode::UNPROCESSABLE_ENTITY, "memory"),
        Error::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        Error::TooManyRows(..) => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_rows"),
        Error::TooManyTokens(_) => (StatusCode::UNPROCESSABLE_ENTITY, "too_many_tokens"),
        Error::TooSlow(_) | Error::TooSlowInside | Error::Canceled => (StatusCode::UNPROCESSABLE_ENTITY, "too_slow"),
        Error::NotYet { .. } | Error::Unsettled(_) => (StatusCode::GATEWAY_TIMEOUT, "not_yet"),
        Error::Busy(..) => (StatusCode::TOO_MANY_REQUESTS, "busy"),
        Error::Listeners(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_listeners"),
        Error::Backfilling { .. } => (StatusCode::SERVICE_UNAVAILABLE, "backfilling"),
        Error::NoNumbers => (StatusCode::SERVICE_UNAVAILABLE, "no_numbers"),
        Error::OtherProgram { .. } => (StatusCode::SERVICE_UNAVAILABLE, "other_program"),
        Error::ClickHouse(_) | Error::Silent => (StatusCode::SERVICE_UNAVAILABLE, "clickhouse"),
        Error::Unexpected(_)
        | Error::Listen { .. }
        | Error::Tls { .. }
        | Error::Serve(_)
        | Error::Threads(_)
        | Error::Metrics(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

impl Problem {
    /// What a caller may hear of an error. The rest of one that is ours is said in the log, here.
    pub(crate) fn of(error: &Error) -> Self {
        let (status, code) = status_and_code(error);
        let field = match error {
            Error::Parameter { parameter, .. } => Some(parameter.clone()),
            Error::MissingKey | Error::UnknownKey => Some("Authorization".to_owned()),
            _ => None,
        };
        let is_told = matches!(
            error,
            Error::NotYet { .. }
                | Error::Unsettled(_)
                | Error::Backfilling { .. }
                | Error::NoNumbers
                | Error::OtherProgram { .. }
        );
        let position = match error {
            Error::Sql(error) => sql::place(error),
            _ => None,
        };
        let message = if status.is_server_error() && !is_told {
            tracing::error!(%error, request_id = request_id::current().as_ref().map(RequestId::as_str), "no answer");
            match error {
                Error::Silent | Error::ClickHouse(clickhouse::error::Error::Network(_)) => AWAY.to_owned(),
                // What the engine says may name tables and settings that are nobody's business.
                _ => "the numbers cannot be read right now; the log of the query service says why".to_owned(),
            }
        } else {
            error.to_string()
        };
        Self { error: ProblemBody { code, message, field, position, request_id: request_id::current() } }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code) = status_and_code(&self);
        let mut response = (status, Json(Problem::of(&self))).into_response();
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
