//! Events as lines of JSON, as `POST /v1/events` takes them: days and instants are texts, what is not known is left out.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use tidemark_schemas::events::{
    Data, Event,
    definition::{FieldKind, definition},
    wire::payload_to_json,
};

/// Adds one event and a newline.
///
/// # Errors
/// What serde says.
pub(super) fn write_line(event: &Event, time_zone: Tz, lines: &mut String) -> serde_json::Result<()> {
    let envelope = &event.envelope;
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if matches!(event.data, Data::EventRetracted(_)) {
        add("retracted", true.into());
    } else {
        add("type", event.data.event_type().name().into());
    }
    add("source", envelope.source.as_str().into());
    add("event_id", envelope.event_id.as_str().into());
    add("revision", envelope.revision.into());
    if !envelope.retracted {
        envelope.account_id.as_deref().map(|id| add("account_id", id.into()));
        envelope.rep_id.as_deref().map(|id| add("rep_id", id.into()));
        add("occurred_at", instant(envelope.occurred_at, time_zone));
        envelope.recorded_at.map(|at| add("recorded_at", instant(at, time_zone)));
        add("data", data(&event.data, time_zone)?);
    }
    lines.push_str(&serde_json::to_string(&members)?);
    lines.push('\n');
    Ok(())
}

/// The payload with days and instants as texts, without nulls.
fn data(data: &Data, time_zone: Tz) -> serde_json::Result<Value> {
    let mut values = payload_to_json(data)?;
    if let Some(members) = values.as_object_mut() {
        members.retain(|_, value| !value.is_null());
        for field in &definition(data.event_type()).fields {
            let Some(value) = members.get_mut(&field.name) else { continue };
            match field.kind {
                FieldKind::Date => *value = value.as_i64().map_or(Value::Null, day),
                FieldKind::Instant => *value = value.as_i64().map_or(Value::Null, |at| instant(at, time_zone)),
                FieldKind::Text | FieldKind::Int | FieldKind::Bool | FieldKind::Decimal => {}
            }
        }
    }
    Ok(values)
}

fn instant(at_ms: i64, time_zone: Tz) -> Value {
    let at = DateTime::from_timestamp_millis(at_ms).unwrap_or_default().with_timezone(&time_zone);
    at.to_rfc3339_opts(SecondsFormat::Millis, true).into()
}

fn day(days: i64) -> Value {
    (NaiveDate::default() + TimeDelta::days(days)).to_string().into()
}
