//! One event from its JSON: identity, then either the retraction of it or all the rest.

use serde_json::value::RawValue;
use tidemark_schemas::{
    events::{
        Data, Envelope, Event,
        payload::{Instant, Retracted},
    },
    tenant::Access,
};

use super::{
    data::read_data,
    envelope::{read_circumstances, read_identity, read_type, unknown},
    fields::Fields,
    problem::{Code, Problem, Problems},
    rules::check,
    scalar::Field,
};

/// The event as sent: without a source where it named none, and not yet received.
pub(crate) fn validate(json: &RawValue, access: &Access, now: Instant) -> Result<Event, Vec<Problem>> {
    let Some(mut fields) = Fields::read(json) else {
        return Err(vec![Problem::of_event(Code::NotAnObject, "an event is a JSON object; this is another kind of value")]);
    };
    let mut problems = Problems::default();
    for name in std::mem::take(&mut fields.duplicates) {
        problems.push(Problem::of_field(Code::DuplicateField, &name, format!("{name} occurs twice in one object")));
    }
    let retracted = fields.take("retracted").and_then(|json| problems.note(Field { name: "retracted", json }.bool()));
    let identity = read_identity(&mut fields, &mut problems);
    let event = if retracted == Some(true) {
        retraction(&mut fields, identity)
    } else {
        report(&mut fields, identity, access, now, &mut problems)
    };
    for name in fields.left_over() {
        problems.push(unknown(&name));
    }
    problems.or(event)
}

/// Needs identity and revision only; whatever else belongs to an event may come along and says nothing.
fn retraction(fields: &mut Fields<'_>, identity: Option<Envelope>) -> Option<Event> {
    for ignored in ["type", "account_id", "rep_id", "occurred_at", "recorded_at", "data"] {
        fields.take(ignored);
    }
    Some(Event { envelope: Envelope { retracted: true, ..identity? }, data: Data::EventRetracted(Retracted {}) })
}

fn report(
    fields: &mut Fields<'_>,
    identity: Option<Envelope>,
    access: &Access,
    now: Instant,
    problems: &mut Problems,
) -> Option<Event> {
    let time_zone = access.settings.time_zone;
    let event_type = read_type(fields, problems);
    let envelope = read_circumstances(fields, identity, time_zone, now, problems);
    let json = fields.take("data");
    let data = event_type.and_then(|event_type| read_data(event_type, json, time_zone, problems));
    let event = Event { envelope: envelope?, data: data? };
    check(&event, problems);
    Some(event)
}
