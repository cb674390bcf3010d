//! Nothing is lost or bent between JSON, the typed event and the bytes in Kafka; the fast codec agrees with apache-avro's.

use std::collections::{BTreeMap, BTreeSet};

use apache_avro::{Schema, from_avro_datum, types::Value as Avro};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value};
use tidemark_ingest::read_event;
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Event, EventType,
        wire::{current_schema, decode, encode, payload_to_json},
    },
};

use crate::{
    arbitrary::{event, print},
    server::{NOW, access},
};

/// Enough that each of the 39 types comes by often.
fn cases() -> Config {
    Config { cases: 2_000, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_was_printed_is_what_is_read(event in event()) {
        let text = print(&event).to_string();
        let read = read_event(&text, &access("round-trips"), NOW);
        prop_assert_eq!(read, Ok(event), "{}", text);
    }

    #[test]
    fn what_was_encoded_is_what_is_decoded(event in event()) {
        prop_assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
    }
}

/// The bytes mean to the reference what they mean to us, field by field.
#[test]
fn the_fast_codec_writes_what_apache_avro_reads() {
    let schemas: BTreeMap<EventType, Schema> = EventType::ALL
        .iter()
        .map(|event_type| (*event_type, Schema::parse_str(current_schema(*event_type).text).unwrap()))
        .collect();
    let mut runner = TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..1_000 {
        let event = event().new_tree(&mut runner).unwrap().current();
        let event_type = event.data.event_type();
        let bytes = encode(&event).unwrap();
        assert_eq!((bytes[0], &bytes[1..5]), (0, &current_schema(event_type).id.to_be_bytes()[..]));
        let mut datum = &bytes[5..];
        let reference = from_avro_datum(&schemas[&event_type], &mut datum, None).unwrap();
        assert!(datum.is_empty(), "{event:?}");
        assert_eq!(plain(reference), expected(&event), "{event:?}");
        seen.insert(event_type);
    }
    assert_eq!(seen.len(), EventType::ALL.len(), "every type came by");
}

/// What a record of this event says to any reader.
pub fn expected(event: &Event) -> Value {
    let mut record = serde_json::to_value(&event.envelope).unwrap();
    record["data"] = payload_to_json(&event.data).unwrap();
    without_nulls(record)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let present = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(present.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        other => other,
    }
}

/// The reference's value in the form that payloads have as JSON: days, milliseconds, decimal texts.
fn plain(value: Avro) -> Value {
    match value {
        Avro::Null => Value::Null,
        Avro::Boolean(value) => value.into(),
        Avro::Long(value) | Avro::TimestampMillis(value) => value.into(),
        Avro::Date(days) => days.into(),
        Avro::String(text) => text.into(),
        Avro::Union(_, inner) => plain(*inner),
        Avro::Decimal(decimal) => {
            let bytes: Vec<u8> = (&decimal).try_into().unwrap();
            let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
            let units = bytes.iter().fold(if negative { -1 } else { 0 }, |units: i128, byte| (units << 8) | i128::from(*byte));
            Decimal6(units).to_string().into()
        }
        Avro::Record(fields) => {
            let present = fields.into_iter().map(|(name, value)| (name, plain(value))).filter(|(_, value)| !value.is_null());
            Value::Object(present.collect::<Map<_, _>>())
        }
        other => panic!("no event has {other:?}"),
    }
}
