//! Dealing with dead letters: their events, mended or as they were, go through the one accept path; then a resolution says so.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde::Serialize;
use tidemark_schemas::{
    dead::{How, Resolution},
    events::Event,
    log::Position,
    tenant::Access,
};

use super::{AskError, Filter, Letter};
use crate::{
    accept::{
        Judged, Refusal, Rejection,
        authenticate::Caller,
        encode, judge_body,
        row::ROW_TYPE,
        split::Form,
        validate::{Code, Problem},
    },
    publish::Batch,
    service::Service,
};

/// One letter that is to be replayed.
pub(crate) struct Order<'a> {
    pub(crate) id: String,
    /// What is sent in its place; none: its body as it was kept.
    pub(crate) mended: Option<Mended<'a>>,
}

/// Events in the place of a letter.
pub(crate) struct Mended<'a> {
    pub(crate) form: Form,
    pub(crate) body: Cow<'a, [u8]>,
}

/// What became of one letter.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) outcome: Verdict,
    /// Events of it that are in the log now, or would be, by type.
    pub(crate) accepted: BTreeMap<&'static str, usize>,
    /// Why it stays as it is.
    pub(crate) refused: Vec<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Replayed,
    WouldBeReplayed,
    Dropped,
    AlreadyReplayed,
    AlreadyDropped,
    Refused,
    NotFound,
}

/// What became of several.
#[derive(Debug, Serialize)]
pub(crate) struct Resolved {
    pub(crate) letters: Vec<Outcome>,
    /// Where the last of their events is; what `after=` takes.
    pub(crate) position: Option<String>,
}

/// Why nothing was done.
pub(crate) enum ResolveError {
    Ask(AskError),
    Rejected(Rejection),
}

impl From<AskError> for ResolveError {
    fn from(error: AskError) -> Self {
        Self::Ask(error)
    }
}

impl From<Rejection> for ResolveError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

/// Sends the events of each letter of which all would be accepted; nothing of the others. Only judges where `dry_run`.
///
/// # Errors
/// The letters cannot be read, or Kafka did not acknowledge: sending the same again is harmless.
pub(crate) async fn replay(
    service: &Service,
    caller: &Caller<'_>,
    orders: Vec<Order<'_>>,
    dry_run: bool,
) -> Result<Resolved, ResolveError> {
    let access = caller.access;
    let known = find(service, access, orders.iter().map(|order| order.id.clone()).collect()).await?;
    let (mut letters, mut events) = (Vec::new(), Vec::new());
    for order in orders {
        let judged = match known.get(&order.id) {
            None => Err(Verdict::NotFound),
            Some(letter) if letter.standing.resolved == Some(How::Replayed) => Err(Verdict::AlreadyReplayed),
            Some(letter) => Ok(judge(service, access, letter, order.mended)),
        };
        letters.push(match judged {
            Err(verdict) => Outcome::without_events(order.id, verdict),
            Ok(judged) => {
                let outcome = Outcome::of(order.id, &judged, dry_run);
                if outcome.outcome == Verdict::Replayed {
                    events.extend(judged.events);
                }
                outcome
            }
        });
    }
    service.rate.charge(&caller.key_hash, events.len(), service.clock.passed());
    let position = publish_events(service, access, &events).await?;
    // Only now: a letter whose events are not known to be in the log stays pending.
    publish_resolutions(service, access, &letters, Verdict::Replayed, How::Replayed).await?;
    Ok(Resolved { letters, position: position.map(|position| position.to_string()) })
}

/// Says of each that nobody wants it.
///
/// # Errors
/// As [`replay`].
pub(crate) async fn drop_letters(service: &Service, access: &Access, ids: BTreeSet<String>) -> Result<Resolved, ResolveError> {
    let known = find(service, access, ids.clone()).await?;
    let verdict = |id: &String| match known.get(id).map(|letter| letter.standing.resolved) {
        None => Verdict::NotFound,
        Some(Some(How::Replayed)) => Verdict::AlreadyReplayed,
        Some(Some(How::Dropped)) => Verdict::AlreadyDropped,
        Some(None) => Verdict::Dropped,
    };
    let letters: Vec<Outcome> = ids.iter().map(|id| Outcome::without_events(id.clone(), verdict(id))).collect();
    publish_resolutions(service, access, &letters, Verdict::Dropped, How::Dropped).await?;
    Ok(Resolved { letters, position: None })
}

async fn find(service: &Service, access: &Access, ids: BTreeSet<String>) -> Result<HashMap<String, Letter>, ResolveError> {
    let asked = ids.len();
    let found = service.dead.letters(access.tenant.clone(), Filter::of_ids(ids), None, asked).await?;
    if found.next.is_some() {
        let message = "the bodies of these letters are too large together; nothing was done, name fewer at once".to_owned();
        return Err(Rejection::too_large("letters_too_large", message).into());
    }
    Ok(found.letters.into_iter().map(|letter| (letter.kept.id.clone(), letter)).collect())
}

/// Judges what is sent in the place of a letter, or its body, as ingest would have when it came: with the source of its key.
fn judge(service: &Service, access: &Access, letter: &Letter, mended: Option<Mended<'_>>) -> Judged {
    let form = letter.kept.content_type.as_deref();
    let source = if form.is_some() { Arc::from(letter.kept.source.as_str()) } else { access.source.clone() };
    let access = Access { source, ..access.clone() };
    let kept = || Some(Mended { form: Form::named(form?)?, body: Cow::Owned(letter.kept.bytes()?) });
    match mended.or_else(kept) {
        Some(Mended { form, body }) => judge_body(form, &body, &access, service.clock.now_ms()),
        None => not_as_it_is(form),
    }
}

fn not_as_it_is(content_type: Option<&str>) -> Judged {
    let problem = if content_type == Some(ROW_TYPE) {
        let message = "this is a row of a file, of which only a mapping makes events: send the events that it should have become";
        Problem::of_event(Code::Unmapped, message)
    } else {
        Problem::of_event(Code::MalformedJson, "this is no text of an event: send the event that it should have been")
    };
    Judged { refused: vec![Refusal { index: 0, problem }], ..Judged::default() }
}

async fn publish_events(service: &Service, access: &Access, events: &[Event]) -> Result<Option<Position>, Rejection> {
    let mut batch = Batch::new(access.tenant.clone());
    for event in events {
        batch.add_event(event, encode(event, &service.schema_ids)?);
    }
    service.publish(&batch).await
}

async fn publish_resolutions(
    service: &Service,
    access: &Access,
    letters: &[Outcome],
    resolved: Verdict,
    how: How,
) -> Result<(), Rejection> {
    let mut batch = Batch::new(access.tenant.clone());
    for letter in letters.iter().filter(|letter| letter.outcome == resolved) {
        batch.add_resolution(&Resolution {
            id: letter.id.clone(),
            tenant: access.tenant.to_string(),
            how,
            resolved_at: service.clock.now_ms(),
            resolved_by: access.source.to_string(),
        })?;
    }
    service.publish(&batch).await.map(drop)
}

impl Outcome {
    fn without_events(id: String, outcome: Verdict) -> Self {
        Self { id, outcome, accepted: BTreeMap::new(), refused: Vec::new() }
    }

    fn of(id: String, judged: &Judged, dry_run: bool) -> Self {
        let mut accepted = BTreeMap::new();
        for event in &judged.events {
            *accepted.entry(event.data.event_type().name()).or_default() += 1;
        }
        let mut refused = judged.refused.clone();
        if judged.events.is_empty() && refused.is_empty() {
            let problem = Problem::of_event(Code::Unmapped, "there is no event in it; drop the letter if it should make none");
            refused.push(Refusal { index: 0, problem });
        }
        let outcome = match (refused.is_empty(), dry_run) {
            (false, _) => Verdict::Refused,
            (true, true) => Verdict::WouldBeReplayed,
            (true, false) => Verdict::Replayed,
        };
        if outcome == Verdict::Refused {
            // All of a letter or nothing of it.
            accepted.clear();
        }
        Self { id, outcome, accepted, refused }
    }
}
