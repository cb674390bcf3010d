//! `/v1/dead/{id}`: one dead letter, whole; replayed, mended or as it is; dropped. And several at once.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    body::BoundedBody,
    dead::{LIMIT_MAX, bad_question, unanswered},
    events::admit,
    noted::{body_of, known, noted},
};
use crate::{
    accept::{ErrorBody, Rejection, authenticate::Caller, binary::structured, split::Form},
    dead::{Filter, Mended, Order, Outcome, ResolveError, Resolved, Verdict, drop_letters, replay},
    service::Service,
    telemetry::AccessNote,
};

/// The query string of a replay.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manner {
    /// Say what would become of it, and change nothing.
    #[serde(default)]
    dry_run: bool,
}

type Asked = Result<Query<Manner>, QueryRejection>;

/// A letter by its id, or by a beginning of it that no other letter's has.
pub(crate) async fn show(State(service): State<Arc<Service>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    noted(async |note| {
        let caller = known(&service, &headers, note)?;
        let found = service.dead.letters(caller.access.tenant.clone(), Filter::of_prefix(id), None, 1).await;
        let mut found = found.map_err(|error| unanswered(&service, error))?;
        if found.total > 1 {
            return Err(ambiguous(found.total));
        }
        Ok(Json(found.letters.pop().ok_or_else(no_such_letter)?).into_response())
    })
    .await
}

pub(crate) async fn replay_one(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    manner: Asked,
    body: Body,
) -> Response {
    noted(async |note| {
        let Replaying { caller, dry_run, body } = replaying(&service, &headers, manner, body, note).await?;
        let order = Order { id, mended: mended(&headers, &body.bytes)? };
        let mut resolved = replay(&service, &caller, vec![order], dry_run).await.map_err(|error| rejection(&service, error))?;
        count(note, &resolved);
        let outcome = resolved.letters.pop().ok_or_else(no_such_letter)?;
        one(outcome, resolved.position)
    })
    .await
}

pub(crate) async fn drop_one(State(service): State<Arc<Service>>, headers: HeaderMap, Path(id): Path<String>) -> Response {
    noted(async |note| {
        let caller = known(&service, &headers, note)?;
        let resolved = drop_letters(&service, caller.access, [id].into()).await;
        let outcome = resolved.map_err(|error| rejection(&service, error))?.letters.pop().ok_or_else(no_such_letter)?;
        one(outcome, None)
    })
    .await
}

/// One letter of a body that names several: NDJSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    id: String,
    /// An array of events in the ordinary form; none: the letter as it was kept.
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    /// Of the events; JSON where it is not said.
    content_type: Option<String>,
}

pub(crate) async fn replay_many(State(service): State<Arc<Service>>, headers: HeaderMap, manner: Asked, body: Body) -> Response {
    noted(async |note| {
        let Replaying { caller, dry_run, body } = replaying(&service, &headers, manner, body, note).await?;
        let lines = body.bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let orders = lines.map(order).collect::<Result<Vec<_>, _>>()?;
        bound(orders.len())?;
        let resolved = replay(&service, &caller, orders, dry_run).await.map_err(|error| rejection(&service, error))?;
        count(note, &resolved);
        Ok(Json(resolved).into_response())
    })
    .await
}

/// Which letters nobody wants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unwanted {
    ids: BTreeSet<String>,
}

pub(crate) async fn drop_many(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Response {
    noted(async |note| {
        let caller = known(&service, &headers, note)?;
        let body = body_of(&service, &headers, body, note).await?;
        let Unwanted { ids } = serde_json::from_slice(&body.bytes)
            .map_err(|error| bad_question(format!("the body is not {{\"ids\": [\"...\"]}}: {error}")))?;
        bound(ids.len())?;
        let resolved = drop_letters(&service, caller.access, ids).await.map_err(|error| rejection(&service, error))?;
        Ok(Json(resolved).into_response())
    })
    .await
}

/// What both ways to replay begin with: who asks, how, and with what body.
struct Replaying<'a> {
    caller: Caller<'a>,
    dry_run: bool,
    body: BoundedBody,
}

async fn replaying<'a>(
    service: &'a Service,
    headers: &HeaderMap,
    manner: Asked,
    body: Body,
    note: &mut AccessNote,
) -> Result<Replaying<'a>, Rejection> {
    let caller = known(service, headers, note)?;
    let dry_run = asked(manner)?.dry_run;
    admit(service, &caller)?;
    let body = body_of(service, headers, body, note).await?;
    Ok(Replaying { caller, dry_run, body })
}

fn asked(manner: Asked) -> Result<Manner, Rejection> {
    manner.map(|Query(manner)| manner).map_err(|error| bad_question(error.body_text()))
}

/// What stands in a letter's place; nothing where the body is empty.
fn mended<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Option<Mended<'a>>, Rejection> {
    if body.trim_ascii().is_empty() {
        return Ok(None);
    }
    let form = Form::of(headers)?;
    let body = if form == Form::BinaryCloudEvent { Cow::Owned(structured(headers, body)?) } else { Cow::Borrowed(body) };
    Ok(Some(Mended { form, body }))
}

fn order(line: &[u8]) -> Result<Order<'_>, Rejection> {
    let Line { id, events, content_type } = serde_json::from_slice(line).map_err(|error| {
        bad_question(format!("a line is not {{\"id\": \"...\", \"events\": [...]}}: {error}; nothing was done"))
    })?;
    let form = content_type.as_deref().map_or(Some(Form::Json), Form::named);
    let form =
        form.ok_or_else(|| bad_question("a line's `content_type` is none of those of events; nothing was done".to_owned()))?;
    Ok(Order { id, mended: events.map(|events| Mended { form, body: Cow::Borrowed(events.get().as_bytes()) }) })
}

fn bound(letters: usize) -> Result<(), Rejection> {
    match letters {
        1..=LIMIT_MAX => Ok(()),
        _ => Err(bad_question(format!("the body names {letters} letters, expected 1 to {LIMIT_MAX}; nothing was done"))),
    }
}

fn count(note: &mut AccessNote, resolved: &Resolved) {
    let sum = |number: fn(&Outcome) -> usize| Some(resolved.letters.iter().map(number).sum());
    note.accepted = sum(|letter| letter.accepted.values().sum());
    note.problems = sum(|letter| letter.refused.len());
}

/// The answer about one letter.
fn one(outcome: Outcome, position: Option<String>) -> Result<Response, Rejection> {
    #[derive(Serialize)]
    struct One {
        #[serde(flatten)]
        outcome: Outcome,
        position: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorBody>,
    }
    let (status, error) = match outcome.outcome {
        Verdict::NotFound => return Err(no_such_letter()),
        Verdict::Refused => (StatusCode::UNPROCESSABLE_ENTITY, Some(still_refused())),
        _ => (StatusCode::OK, None),
    };
    Ok((status, Json(One { outcome, position, error })).into_response())
}

fn still_refused() -> ErrorBody {
    let message = "nothing was sent: `refused` says what is still wrong; the letter stays as it was".to_owned();
    ErrorBody::new("still_refused", message)
}

fn ambiguous(letters: usize) -> Rejection {
    let message = format!("{letters} dead letters of this company have an id that begins so: give more of it");
    Rejection::new(StatusCode::CONFLICT, "ambiguous_letter", message)
}

fn no_such_letter() -> Rejection {
    let message = "this company has no dead letter with that id, or it is older than what is looked at; GET /v1/dead lists them";
    Rejection::new(StatusCode::NOT_FOUND, "unknown_letter", message)
}

fn rejection(service: &Service, error: ResolveError) -> Rejection {
    match error {
        ResolveError::Ask(error) => unanswered(service, error),
        ResolveError::Rejected(rejection) => rejection,
    }
}
