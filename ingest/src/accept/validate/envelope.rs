//! The part of an event that every type has.

use chrono::{DateTime, Months, Utc};
use chrono_tz::Tz;
use tidemark_schemas::events::{Envelope, EventType, payload::Instant};

use super::{
    dialect::Dialect,
    event::Reading,
    fields::Fields,
    instant::{FIRST_OCCURRENCE, local_day},
    problem::{Code, Problem, Problems},
    scalar::Field,
};

/// Deals may be expected and money due in years to come, but not in lifetimes.
const YEARS_AHEAD_MAX: u32 = 10;

/// Identity and revision: all that a retraction needs. `source` is empty where none was sent.
pub(super) fn read_identity(fields: &mut Fields<'_>, dialect: Dialect, problems: &mut Problems) -> Option<Envelope> {
    let name = dialect.name("event_id");
    let event_id = match fields.take(name) {
        Some(json) => problems.note(Field { name, json }.id()),
        None => problems.note(Err(missing(name, "the source's own id of the event, or one that is the same at every retry"))),
    };
    let source = optional(fields, problems, "source", |field| field.id());
    let revision =
        optional(fields, problems, "revision", |field| match (Field { json: dialect.plain(field.json), ..*field }).int()? {
            negative if negative < 0 => Err(field.out_of_range(format!("is {negative}, expected 0 or more"))),
            revision => Ok(revision),
        });
    Some(Envelope {
        source: source.unwrap_or_default(),
        event_id: event_id?,
        revision: revision.unwrap_or_default(),
        ..Envelope::default()
    })
}

/// Adds who it is about and when it happened.
pub(super) fn read_circumstances(
    fields: &mut Fields<'_>,
    identity: Option<Envelope>,
    reading: &Reading<'_>,
    problems: &mut Problems,
) -> Option<Envelope> {
    let (dialect, time_zone) = (reading.dialect, reading.time_zone());
    let name = dialect.name("occurred_at");
    let occurred_at = match fields.take(name) {
        Some(json) => problems.note(occurrence(&Field { name, json }, time_zone, reading.now)),
        None => problems.note(Err(missing(name, "an instant like \"2026-03-05T16:20:00+08:00\""))),
    };
    let account_id = optional(fields, problems, dialect.name("account_id"), |field| field.id());
    let rep_id = optional(fields, problems, dialect.name("rep_id"), |field| field.id());
    let recorded_at = optional(fields, problems, dialect.name("recorded_at"), |field| field.instant(time_zone));
    Some(Envelope { account_id, rep_id, occurred_at: occurred_at?, recorded_at, ..identity? })
}

fn occurrence(field: &Field<'_>, time_zone: Tz, now: Instant) -> Result<Instant, Problem> {
    let instant = field.instant(time_zone)?;
    let day = local_day(instant, time_zone);
    if day.is_some_and(|day| day < FIRST_OCCURRENCE) {
        return Err(field.out_of_range(format!("is before {FIRST_OCCURRENCE}")));
    }
    let latest =
        DateTime::<Utc>::from_timestamp_millis(now).and_then(|now| now.checked_add_months(Months::new(12 * YEARS_AHEAD_MAX)));
    if latest.is_some_and(|latest| instant > latest.timestamp_millis()) {
        return Err(field.out_of_range(format!("is more than {YEARS_AHEAD_MAX} years ahead")));
    }
    Ok(instant)
}

fn optional<T>(
    fields: &mut Fields<'_>,
    problems: &mut Problems,
    name: &'static str,
    read: impl FnOnce(&Field<'_>) -> Result<T, Problem>,
) -> Option<T> {
    fields.take(name).and_then(|json| problems.note(read(&Field { name, json })))
}

/// The type that the event says it has.
pub(super) fn read_type(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<EventType> {
    let Some(json) = fields.take("type") else {
        return problems.note(Err(missing("type", "what happened, like \"deal.won\"")));
    };
    let name = problems.note(Field { name: "type", json }.id())?;
    let known = EventType::from_name(&name).filter(|event_type| *event_type != EventType::EventRetracted);
    problems.note(known.ok_or_else(|| {
        let hint = if name == EventType::EventRetracted.name() {
            "send the event's identity with the same or a higher revision and \"retracted\": true"
        } else {
            "the types are those of schemas/events"
        };
        Problem::of_field(Code::UnknownType, "type", format!("type {name:?} is not known: {hint}"))
    }))
}

/// What nobody took from the envelope.
pub(super) fn unknown(name: &str, dialect: Dialect) -> Problem {
    let why = match (name, dialect) {
        ("tenant", _) => "the tenant comes from the API key",
        ("received_at" | "receivedat", _) => "ingest sets it",
        ("specversion", Dialect::Tidemark) => "this is a CloudEvent: send it as application/cloudevents+json",
        (_, Dialect::CloudEvents) => {
            "of the extensions we keep accountid, repid, revision, retracted and recordedat, and everything else belongs into data"
        }
        _ => {
            "an event has type, source, event_id, revision, retracted, account_id, rep_id, occurred_at, recorded_at and data, \
             and everything else belongs into data"
        }
    };
    let name = format!("{name:.128}");
    Problem::of_field(Code::UnknownField, &name, format!("{name} is not a field of the envelope: {why}"))
}

fn missing(name: &str, expected: &str) -> Problem {
    Problem::of_field(Code::MissingField, name, format!("{name} is missing: {expected}"))
}
