//! One event from its JSON: identity, then either the retraction of it or all the rest.

use chrono_tz::Tz;
use serde_json::value::RawValue;
use tidemark_schemas::{
    events::{
        Data, Envelope, Event,
        payload::{Instant, Retracted},
    },
    tenant::Access,
};

use super::{
    cloud_event::read_attributes,
    data::read_data,
    dialect::Dialect,
    envelope::{read_circumstances, read_identity, read_type, unknown},
    fields::Fields,
    problem::{Code, Problem, Problems},
    rules::check,
    scalar::Field,
};

/// The event as sent: without a source where it named none, and not yet received.
pub(crate) fn validate(json: &RawValue, dialect: Dialect, access: &Access, now: Instant) -> Result<Event, Vec<Problem>> {
    let Some(mut fields) = Fields::read(json) else {
        return Err(vec![Problem::of_event(Code::NotAnObject, "an event is a JSON object; this is another kind of value")]);
    };
    let mut problems = Problems::default();
    for name in std::mem::take(&mut fields.duplicates) {
        problems.push(Problem::of_field(Code::DuplicateField, &name, format!("{name} occurs twice in one object")));
    }
    let decoded = (dialect == Dialect::CloudEvents).then(|| read_attributes(&mut fields, &mut problems)).flatten();
    let retracted = fields.take("retracted").map(|json| Field { name: "retracted", json: dialect.plain(json) }.bool());
    let retracted = retracted.and_then(|retracted| problems.note(retracted));
    let identity = read_identity(&mut fields, dialect, &mut problems);
    let event = if retracted == Some(true) {
        retraction(&mut fields, dialect, identity)
    } else {
        let data = fields.take("data").or(decoded.as_deref());
        report(&mut fields, identity, data, Reading { dialect, access, now }, &mut problems)
    };
    for name in fields.left_over() {
        problems.push(unknown(&name, dialect));
    }
    problems.or(event)
}

/// What the reading of an event depends on beside its text.
pub(super) struct Reading<'a> {
    pub(super) dialect: Dialect,
    access: &'a Access,
    /// Milliseconds UTC.
    pub(super) now: Instant,
}

impl Reading<'_> {
    pub(super) fn time_zone(&self) -> Tz {
        self.access.settings.time_zone
    }
}

/// Needs identity and revision only; whatever else belongs to an event may come along and says nothing.
fn retraction(fields: &mut Fields<'_>, dialect: Dialect, identity: Option<Envelope>) -> Option<Event> {
    for ignored in ["type", "account_id", "rep_id", "occurred_at", "recorded_at", "data"] {
        fields.take(dialect.name(ignored));
    }
    Some(Event { envelope: Envelope { retracted: true, ..identity? }, data: Data::EventRetracted(Retracted {}) })
}

fn report(
    fields: &mut Fields<'_>,
    identity: Option<Envelope>,
    data: Option<&RawValue>,
    reading: Reading<'_>,
    problems: &mut Problems,
) -> Option<Event> {
    let event_type = read_type(fields, problems);
    let envelope = read_circumstances(fields, identity, &reading, problems);
    let data = event_type.and_then(|event_type| read_data(event_type, data, reading.time_zone(), problems));
    let event = Event { envelope: envelope?, data: data? };
    check(&event, reading.dialect, problems);
    Some(event)
}
