//! Arbitrary events of every type, made from the definitions, as they may stand in the log; and how to print one as JSON.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta};
use proptest::{option, prelude::*, sample};
use serde_json::{Map, Value, json};
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Data, Envelope, Event, EventType,
        definition::{FieldDefinition, FieldKind, TextFormat, definition},
        payload::Retracted,
        wire::{payload_from_json, payload_to_json},
    },
};

use crate::server::NOW;

const DAY_MS: i64 = 86_400_000;

/// Any event that ingest could have let through at [`NOW`], of any type.
pub fn event() -> impl Strategy<Value = Event> {
    sample::select(EventType::ALL.to_vec())
        .prop_flat_map(|event_type| (envelope(), data(event_type)))
        .prop_map(|(envelope, (t, data))| fit(envelope, t, data))
}

fn id() -> BoxedStrategy<String> {
    prop_oneof!["[A-Za-z0-9:_/-]{1,20}", "[!-~]{1,128}", "[客户 äé%/]{0,20}客"].boxed()
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let first = 7_306 * DAY_MS;
    (id(), id(), 0..=i64::MAX, option::of(id()), option::of(id()), first..NOW + 3_600 * DAY_MS, option::of(0..65_534 * DAY_MS))
        .prop_map(|(source, event_id, revision, account_id, rep_id, occurred_at, recorded_at)| Envelope {
            source,
            event_id,
            revision,
            retracted: false,
            account_id,
            rep_id,
            occurred_at,
            recorded_at,
            received_at: NOW,
        })
}

fn data(event_type: EventType) -> impl Strategy<Value = (EventType, Map<String, Value>)> {
    let fields: Vec<_> = definition(event_type).fields.iter().map(field).collect();
    fields.prop_map(move |fields| (event_type, fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()))
}

/// A field's name and its value in Avro form.
fn field(definition: &FieldDefinition) -> BoxedStrategy<(String, Option<Value>)> {
    let (name, required) = (definition.name.clone(), definition.required);
    let shown = move |value: Value| (name.clone(), Some(value));
    let absent = definition.name.clone();
    let value = value(definition).prop_map(shown);
    if required { value.boxed() } else { prop_oneof![1 => Just((absent, None)), 2 => value].boxed() }
}

fn value(definition: &FieldDefinition) -> BoxedStrategy<Value> {
    let minimum = definition.minimum.map_or(-Decimal6::EVENT_LIMIT.0 + 1, |minimum| minimum.0);
    match (definition.kind, &definition.one_of, definition.format) {
        (FieldKind::Text, Some(allowed), _) => sample::select(allowed.clone()).prop_map(Value::from).boxed(),
        (FieldKind::Text, _, Some(TextFormat::Currency)) => "[A-Z]{3}".prop_map(Value::from).boxed(),
        (FieldKind::Text, _, Some(TextFormat::Period)) => {
            "20[0-9]{2}(-Q[1-4]|-0[1-9]|-1[0-2]|-W[0-4][1-9])?".prop_map(Value::from).boxed()
        }
        (FieldKind::Text, _, _) => id().prop_map(Value::from).boxed(),
        (FieldKind::Bool, _, _) => any::<bool>().prop_map(Value::from).boxed(),
        (FieldKind::Int, _, _) => (0..1_000_000_000_000_000_i64).prop_map(Value::from).boxed(),
        (FieldKind::Decimal, _, _) => prop_oneof![minimum..minimum + 1_000_000_000, minimum..Decimal6::EVENT_LIMIT.0]
            .prop_map(|units| Decimal6(units).to_string().into())
            .boxed(),
        (FieldKind::Date, _, _) => (0..65_535_i64).prop_map(Value::from).boxed(),
        (FieldKind::Instant, _, _) => (0..65_534 * DAY_MS).prop_map(Value::from).boxed(),
    }
}

/// Bends what does not fit together until it does.
fn fit(mut envelope: Envelope, event_type: EventType, mut data: Map<String, Value>) -> Event {
    if event_type == EventType::EventRetracted {
        let Envelope { source, event_id, revision, .. } = envelope;
        let envelope =
            Envelope { source, event_id, revision, retracted: true, occurred_at: NOW, received_at: NOW, ..Envelope::default() };
        return Event { envelope, data: Data::EventRetracted(Retracted {}) };
    }
    let number = |value: Option<&Value>| value.and_then(|value| value.as_str()?.parse::<Decimal6>().ok());
    let set = |data: &mut Map<String, Value>, name: &str, value: Value| drop(data.insert(name.to_owned(), value));
    match event_type {
        EventType::AccountCreated | EventType::AccountAmended => envelope.account_id = Some("A".to_owned()),
        EventType::AccountMerged => envelope.account_id = Some("not one that id() makes: \\".to_owned()),
        EventType::AlertAcknowledged | EventType::AlertSnoozed | EventType::AlertMuted => set(&mut data, "alert_id", json!("a")),
        EventType::RosterAway => set(&mut data, "to", json!(65_534)),
        EventType::RateSet => {
            set(&mut data, "from", json!("USD"));
            set(&mut data, "to", json!("CNY"));
        }
        EventType::TargetSet if data["unit"] == "company" => drop(data.remove("id")),
        EventType::TargetSet => set(&mut data, "id", json!("T-1")),
        EventType::SurveyAnswered | EventType::ActivityCompleted | EventType::RatingGiven => {
            if let Some(score) = number(data.get("score")) {
                let score = if data.get("kind") == Some(&json!("nps")) { Decimal6(score.0 % 10_000_000) } else { score };
                let max_score = number(data.get("max_score")).unwrap_or(score).max(score);
                data.insert("score".to_owned(), score.to_string().into());
                data.insert("max_score".to_owned(), max_score.to_string().into());
            }
        }
        _ => {}
    }
    Event { envelope, data: payload_from_json(event_type, Value::Object(data)).unwrap() }
}

/// As a client sends it.
pub fn print(event: &Event) -> Value {
    let Envelope { source, event_id, revision, account_id, rep_id, occurred_at, recorded_at, .. } = &event.envelope;
    if event.envelope.retracted {
        return json!({ "source": source, "event_id": event_id, "revision": revision, "retracted": true });
    }
    let event_type = event.data.event_type();
    json!({
        "type": event_type.name(),
        "source": source,
        "event_id": event_id,
        "revision": revision,
        "account_id": account_id,
        "rep_id": rep_id,
        "occurred_at": instant(*occurred_at),
        "recorded_at": recorded_at.map(instant),
        "data": print_data(event_type, &event.data),
    })
}

fn print_data(event_type: EventType, data: &Data) -> Value {
    let mut data = payload_to_json(data).unwrap();
    for field in &definition(event_type).fields {
        let value = &mut data[&field.name];
        match (field.kind, value.as_i64()) {
            (FieldKind::Date, Some(days)) => *value = date(days),
            (FieldKind::Instant, Some(ms)) => *value = instant(ms),
            _ => {}
        }
    }
    data
}

fn instant(ms: i64) -> Value {
    DateTime::from_timestamp_millis(ms).unwrap().to_rfc3339_opts(SecondsFormat::Millis, true).into()
}

fn date(days: i64) -> Value {
    (NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + TimeDelta::days(days)).to_string().into()
}
