//! `GET /v1/dead`: what was refused, for those who can mend it. Only the key's own tenant's.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, FixedOffset};
use serde::Deserialize;

use super::noted::{known, noted};
use crate::{
    accept::Rejection,
    dead::{AskError, AskedState, Filter, ScanError, offset},
    service::Service,
};

/// Letters, or causes, of one answer where nothing is asked for, and the most that may be.
const LIMIT: usize = 50;
pub(super) const LIMIT_MAX: usize = 1_000;

/// The query string.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    limit: Option<usize>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "offset")]
    after: Option<i64>,
    reason: Option<String>,
    field: Option<String>,
    source: Option<String>,
    file: Option<String>,
    /// An instant with its offset.
    before: Option<DateTime<FixedOffset>>,
    /// Pending ones where nothing is asked for.
    #[serde(default)]
    state: AskedState,
    group: Option<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Group {
    Cause,
}

pub(crate) async fn list_dead(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    question: Result<Query<Question>, QueryRejection>,
) -> Response {
    noted(async |note| {
        let caller = known(&service, &headers, note)?;
        answer(&service, caller.access.tenant.clone(), question).await
    })
    .await
}

async fn answer(
    service: &Service,
    tenant: Arc<str>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Response, Rejection> {
    let Query(question) = question.map_err(|error| bad_question(error.body_text()))?;
    let limit = question.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(bad_question(format!("`limit` is {limit}, expected 1 to {LIMIT_MAX}")));
    }
    let Question { after, reason, field, source, file, before, state, group, .. } = question;
    let before = before.map(|before| before.timestamp_millis());
    let filter = Filter { state, reason, field, source, file, before, ..Filter::default() };
    let failed = |error| unanswered(service, error);
    Ok(match group {
        Some(Group::Cause) => Json(service.dead.causes(tenant, filter, limit).await.map_err(failed)?).into_response(),
        None => Json(service.dead.letters(tenant, filter, after, limit).await.map_err(failed)?).into_response(),
    })
}

pub(super) fn bad_question(message: String) -> Rejection {
    Rejection::new(StatusCode::BAD_REQUEST, "bad_question", message)
}

pub(super) fn unanswered(service: &Service, error: AskError) -> Rejection {
    let (status, code, message) = match error {
        AskError::Busy => {
            (StatusCode::TOO_MANY_REQUESTS, "scans", "dead letters are being read for others; ask again later".to_owned())
        }
        AskError::Scan(ScanError::TooLong) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "scan_timeout",
            "reading the dead letters took too long; ask again later".to_owned(),
        ),
        AskError::Scan(ScanError::Kafka(error)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "log_unavailable", format!("the dead letters cannot be read: {error}"))
        }
    };
    Rejection::later(status, code, message, service.config.retry_after_s)
}
