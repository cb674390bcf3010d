//! The fast codec against apache-avro: both read what the other writes, value for value, for events of every type.

use std::collections::{BTreeMap, BTreeSet};

use apache_avro::{Schema, from_avro_datum, to_avro_datum, types::Value as Avro};
use serde_json::Value as Json;
use tidemark_schemas::{
    decimal::Decimal6,
    events::{
        Envelope, Event, EventType,
        wire::{DecodeError, decode, encode, payload_to_json, schema_by_id, schemas},
    },
};
use tidemark_verify::generate;

/// Enough for every type with every optional field present and absent.
const EVENTS: usize = 3_000;

#[test]
fn apache_avro_reads_what_we_write() {
    let schemas = parsed_schemas();
    let mut types = BTreeSet::new();
    for event in generate::history(1, EVENTS) {
        let bytes = encode(&event).unwrap();
        let (id, datum) = unframed(&bytes);
        let value = from_avro_datum(&schemas[&id], &mut &datum[..], None).unwrap();
        assert_same(&value, &record(&event), event.data.event_type().name());
        types.insert(event.data.event_type());
    }
    assert_eq!(types.len(), EventType::ALL.len());
}

#[test]
fn we_read_what_apache_avro_writes() {
    let schemas = parsed_schemas();
    for event in generate::history(2, EVENTS) {
        let bytes = encode(&event).unwrap();
        let (id, datum) = unframed(&bytes);
        let value = from_avro_datum(&schemas[&id], &mut &datum[..], None).unwrap();
        let mut written = bytes[..5].to_vec();
        written.extend(to_avro_datum(&schemas[&id], value).unwrap());
        assert_eq!(decode(&written).unwrap(), event);
        assert_eq!(decode(&bytes).unwrap(), event);
    }
}

#[test]
fn what_is_no_record_is_told_apart() {
    let event = generate::history(3, 1).remove(0);
    let bytes = encode(&event).unwrap();
    assert!(matches!(decode(&[]), Err(DecodeError::Unframed)));
    assert!(matches!(decode(&bytes[..4]), Err(DecodeError::Unframed)));
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        decode(&bytes)
    };
    assert!(matches!(with(0, 1), Err(DecodeError::Unframed)));
    // A newer ingest's schema: a reason to upgrade, not poison.
    assert!(matches!(with(1, 1), Err(DecodeError::UnknownSchema(_))));
    assert!(matches!(with(4, 0), Err(DecodeError::UnknownSchema(0))));
    assert!(matches!(decode(&bytes[..bytes.len() - 1]), Err(DecodeError::Mismatch { .. })));
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(decode(&longer), Err(DecodeError::Mismatch { .. })));
}

fn parsed_schemas() -> BTreeMap<u32, Schema> {
    schemas().iter().map(|schema| (schema.id, Schema::parse_str(schema.text).unwrap())).collect()
}

fn unframed(bytes: &[u8]) -> (u32, &[u8]) {
    let (frame, datum) = bytes.split_first_chunk::<5>().unwrap();
    let id = u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]);
    assert_eq!(frame[0], 0);
    assert!(schema_by_id(id).is_some());
    (id, datum)
}

/// The event as JSON in the form that the record has: the envelope's fields, and `data`.
fn record(event: &Event) -> Json {
    let Envelope { source, event_id, revision, retracted, account_id, rep_id, occurred_at, recorded_at, received_at } =
        &event.envelope;
    serde_json::json!({
        "source": source, "event_id": event_id, "revision": revision, "retracted": retracted, "account_id": account_id,
        "rep_id": rep_id, "occurred_at": occurred_at, "recorded_at": recorded_at, "received_at": received_at,
        "data": payload_to_json(&event.data).unwrap(),
    })
}

fn assert_same(avro: &Avro, json: &Json, place: &str) {
    match avro {
        Avro::Record(fields) => {
            let members = json.as_object().unwrap_or_else(|| panic!("{place} is no object: {json}"));
            let names: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, members.keys().map(String::as_str).collect(), "fields of {place}");
            for (name, value) in fields {
                assert_same(value, &members[name], &format!("{place}.{name}"));
            }
        }
        Avro::Union(_, inner) => assert_same(inner, json, place),
        Avro::Null => assert!(json.is_null(), "{place}: null and {json}"),
        Avro::Boolean(value) => assert_eq!(json.as_bool(), Some(*value), "{place}"),
        Avro::Long(value) | Avro::TimestampMillis(value) => assert_eq!(json.as_i64(), Some(*value), "{place}"),
        Avro::Date(days) => assert_eq!(json.as_i64(), Some(i64::from(*days)), "{place}"),
        Avro::String(text) => assert_eq!(json.as_str(), Some(text.as_str()), "{place}"),
        Avro::Decimal(decimal) => {
            let unscaled = num_bigint::BigInt::from(decimal.clone());
            let decimal = Decimal6(i128::try_from(unscaled).unwrap());
            assert_eq!(json.as_str(), Some(decimal.to_string().as_str()), "{place}");
        }
        other => panic!("{place}: {other:?} is in no schema of ours"),
    }
}
