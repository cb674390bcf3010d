//! The sentence itself, from a body of a known sender to the answer. Its first word, authenticate, is said by the door.

use std::borrow::Cow;

use axum::http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;
use tidemark_schemas::{
    events::{Event, payload::Instant},
    tenant::Access,
};

use super::{
    Answer, Rejection,
    answer::{ErrorBody, Refusal},
    authenticate::Caller,
    binary::structured,
    dead_letter::{DeadLetter, Place},
    encode::encode,
    split::{Form, Item, split},
    stamp::stamp,
    validate::{Code, Dialect, Problem, validate},
};
use crate::{publish::Batch, service::Service, telemetry::validate_span};

/// Split → validate → stamp → encode → publish. The answer is given when Kafka has everything it speaks of.
///
/// # Errors
/// 400 for a body that cannot be read (it is kept as a dead letter), 413 for too many events,
/// 503 when Kafka did not acknowledge: then nothing may be taken as kept.
pub(crate) async fn accept(service: &Service, caller: &Caller<'_>, form: Form, body: &[u8]) -> Result<Answer, Rejection> {
    let access = caller.access;
    let received_at = service.clock.now_ms();
    let read = || {
        let items = match split(form, body) {
            Ok(items) => items,
            Err(reason) => return Ok(Err(Unreadable { form, body, reason })),
        };
        bound(service, items.len())?;
        service.rate.charge(&caller.key_hash, items.len(), service.clock.passed());
        judge_all(service, items, form, access, received_at).map(Ok)
    };
    let (batch, refused) = match service.work(read).await? {
        Ok(judged) => judged,
        Err(unreadable) => return Err(keep_unreadable(service, access, received_at, unreadable).await?),
    };
    let accepted = batch.events();
    let position = service.publish(&batch).await?;
    Ok(Answer { accepted, error: (accepted == 0).then(nothing_accepted), refused, position })
}

/// What goes into the log of a body: every item as an event or as a dead letter.
fn judge_all(
    service: &Service,
    items: Vec<Item<'_>>,
    form: Form,
    access: &Access,
    received_at: Instant,
) -> Result<(Batch, Vec<Refusal>), Rejection> {
    let _span = validate_span(items.len()).entered();
    let mut batch = Batch::new(access.tenant.clone());
    let mut refused = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let (raw, place) = (item.raw, Place::item(form, index, &item));
        match judge(item, form.dialect(), access, received_at) {
            Ok(event) => batch.add_event(&event, encode(&event, &service.schema_ids)?),
            Err(problems) => {
                batch.add_dead_letter(&DeadLetter::new(access, received_at, place, raw, &problems))?;
                refused.extend(problems.into_iter().map(|problem| Refusal { index, problem }));
            }
        }
    }
    Ok((batch, refused))
}

/// Validates and stamps one item.
fn judge(item: Item<'_>, dialect: Dialect, access: &Access, received_at: Instant) -> Result<Event, Vec<Problem>> {
    match item.json {
        Ok(json) => validate(json, dialect, access, received_at).map(|event| stamp(event, access, received_at)),
        Err(problem) => Err(vec![problem]),
    }
}

/// What is in a body, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Judged {
    pub(crate) events: Vec<Event>,
    pub(crate) refused: Vec<Refusal>,
}

/// Split → validate → stamp, and nothing is kept: for those who decide on all of a body.
pub(crate) fn judge_body(form: Form, body: &[u8], access: &Access, received_at: Instant) -> Judged {
    let mut judged = Judged::default();
    let items = split(form, body)
        .unwrap_or_else(|reason| vec![Item { raw: body, json: Err(Problem::of_event(Code::MalformedJson, reason)), row: None }]);
    for (index, item) in items.into_iter().enumerate() {
        match judge(item, form.dialect(), access, received_at) {
            Ok(event) => judged.events.push(event),
            Err(problems) => judged.refused.extend(problems.into_iter().map(|problem| Refusal { index, problem })),
        }
    }
    judged
}

/// Reads one event as `POST /v1/events` does: sent with a key of `access`, received at `now` (milliseconds UTC).
///
/// # Errors
/// Everything that is wrong with it, 16 problems at most.
pub fn read_event(text: &str, access: &Access, now: Instant) -> Result<Event, Vec<Problem>> {
    read(text, Dialect::Tidemark, access, now)
}

/// As [`read_event`], for a CloudEvent in structured mode.
///
/// # Errors
/// As [`read_event`].
pub fn read_cloud_event(text: &str, access: &Access, now: Instant) -> Result<Event, Vec<Problem>> {
    read(text, Dialect::CloudEvents, access, now)
}

/// Cuts a body into events by its headers and reads each, as `POST /v1/events` does, without keeping anything.
///
/// # Errors
/// Why the body as a whole cannot be read.
pub fn read_body(
    headers: &HeaderMap,
    body: &[u8],
    access: &Access,
    now: Instant,
) -> Result<Vec<Result<Event, Vec<Problem>>>, String> {
    let form = Form::of(headers).map_err(|rejection| rejection.body.message)?;
    let body = match form {
        Form::BinaryCloudEvent => structured(headers, body).map_err(|rejection| rejection.body.message)?.into(),
        _ => Cow::Borrowed(body),
    };
    let items = split(form, &body)?;
    Ok(items.into_iter().map(|item| judge(item, form.dialect(), access, now)).collect())
}

fn read(text: &str, dialect: Dialect, access: &Access, now: Instant) -> Result<Event, Vec<Problem>> {
    let json = serde_json::from_str::<&RawValue>(text);
    let json = json.map_err(|error| Problem::of_event(Code::MalformedJson, format!("not JSON: {error}")));
    judge(Item { raw: text.as_bytes(), json, row: None }, dialect, access, now)
}

fn bound(service: &Service, events: usize) -> Result<(), Rejection> {
    let most = service.config.events_per_body_max;
    match events {
        0 => Err(Rejection::new(StatusCode::BAD_REQUEST, "no_events", "the body has no events")),
        _ if events > most => Err(Rejection::too_large(
            "too_many_events",
            format!("the body has {events} events, at most {most} are taken at once; nothing was kept"),
        )),
        _ => Ok(()),
    }
}

fn nothing_accepted() -> ErrorBody {
    let message = "no event was accepted; `refused` says why, and the events are kept as dead letters".to_owned();
    ErrorBody::new("all_refused", message)
}

/// A body that could not be cut into events, and why.
struct Unreadable<'a> {
    form: Form,
    body: &'a [u8],
    reason: String,
}

/// Keeps a body that is no JSON, and says so.
async fn keep_unreadable(
    service: &Service,
    access: &Access,
    received_at: Instant,
    Unreadable { form, body, reason }: Unreadable<'_>,
) -> Result<Rejection, Rejection> {
    if body.trim_ascii().is_empty() {
        return Err(Rejection::new(StatusCode::BAD_REQUEST, "no_events", "the body is empty"));
    }
    let problems = [Problem::of_event(Code::MalformedJson, reason.clone())];
    let mut batch = Batch::new(access.tenant.clone());
    batch.add_dead_letter(&DeadLetter::new(access, received_at, Place::body(form), body, &problems))?;
    service.publish(&batch).await?;
    let message = format!("{reason}; no event was accepted, the body is kept as a dead letter");
    Ok(Rejection::new(StatusCode::BAD_REQUEST, Code::MalformedJson.name(), message))
}
