//! Events as bytes in Kafka: Confluent framing (magic 0, four-byte schema id) around Avro.
//! The ids come from `events/ids.lock`, which is only ever appended to.

use std::{collections::BTreeMap, sync::LazyLock};

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_avro_fast::ser::SerializerConfig;

use super::{
    Data, Envelope, Event, EventType,
    event_type::{ReadPayload, WritePayload},
    payload::Instant,
};

static EVENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/events");
static SCHEMAS: LazyLock<Vec<RegisteredSchema>> = LazyLock::new(read_lock);

/// One version of one event type's schema, under the id that records carry.
pub struct RegisteredSchema {
    /// The id in the framing.
    pub id: u32,
    /// The event type, which is also the subject.
    pub event_type: EventType,
    /// 1, 2, …
    pub version: u32,
    /// The schema as JSON text, as checked in.
    pub text: &'static str,
    schema: serde_avro_fast::Schema,
}

/// Every schema that was ever written with, in the order of ids.
#[must_use]
pub fn schemas() -> &'static [RegisteredSchema] {
    &SCHEMAS
}

/// The schema under an id.
#[must_use]
pub fn schema_by_id(id: u32) -> Option<&'static RegisteredSchema> {
    SCHEMAS.get(usize::try_from(id).ok()?.checked_sub(1)?)
}

/// The newest schema of a type, which events are written with.
#[must_use]
pub fn current_schema(event_type: EventType) -> &'static RegisteredSchema {
    static CURRENT: LazyLock<BTreeMap<EventType, usize>> =
        LazyLock::new(|| SCHEMAS.iter().enumerate().map(|(index, schema)| (schema.event_type, index)).collect());
    &SCHEMAS[CURRENT[&event_type]]
}

/// The lock and the history are part of the program; what is wrong with them is found by the first test.
#[expect(clippy::expect_used, clippy::panic, reason = "embedded files that tests cover")]
fn read_lock() -> Vec<RegisteredSchema> {
    let file = |path: &str| {
        EVENTS
            .get_file(path)
            .and_then(include_dir::File::contents_utf8)
            .unwrap_or_else(|| panic!("schemas/events/{path} is missing"))
    };
    let entries = file("ids.lock").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    entries
        .enumerate()
        .map(|(index, line)| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [id, name, version] = words[..] else { panic!("ids.lock: {line:?} is not `id type version`") };
            let id: u32 = id.parse().expect("an id");
            assert_eq!(id as usize, index + 1, "ids.lock: ids count up from 1");
            let text = file(&format!("history/{name}.{version}.avsc"));
            RegisteredSchema {
                id,
                event_type: EventType::from_name(name).unwrap_or_else(|| panic!("ids.lock: unknown type {name}")),
                version: version.parse().expect("a version"),
                text,
                schema: text.parse().expect("a valid schema"),
            }
        })
        .collect()
}

/// The newest schema of a type as checked in under `schemas/events/`, JSON text.
#[must_use]
pub fn current_schema_text(event_type: EventType) -> Option<&'static str> {
    EVENTS.get_file(format!("{}.avsc", event_type.name()))?.contents_utf8()
}

/// The record as Avro sees it: the envelope's fields, then `data`.
#[derive(Serialize, Deserialize)]
struct Record<P> {
    source: String,
    event_id: String,
    revision: i64,
    retracted: bool,
    account_id: Option<String>,
    rep_id: Option<String>,
    occurred_at: Instant,
    recorded_at: Option<Instant>,
    received_at: Instant,
    data: P,
}

/// Why bytes are no event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Too short, or not framed with magic 0.
    #[error("the record is not framed with magic 0 and a schema id")]
    Unframed,
    /// Written by a newer ingest: not poison, but a reason to upgrade.
    #[error("schema id {0} is not known to this version of tidemark: upgrade it")]
    UnknownSchema(u32),
    /// The bytes do not match their schema.
    #[error("the record does not match its schema {id} ({event_type}): {reason}")]
    Mismatch {
        /// The id in the framing.
        id: u32,
        /// That schema's type.
        event_type: &'static str,
        /// What the decoder said.
        reason: String,
    },
}

/// The schema id and the datum of a framed record.
#[must_use]
pub fn unframe(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (&[magic, a, b, c, d], datum) = bytes.split_first_chunk::<5>()?;
    (magic == 0).then_some((u32::from_be_bytes([a, b, c, d]), datum))
}

/// Puts another schema id into a framed record.
pub fn reframe(bytes: &mut [u8], id: u32) {
    if let Some(framed) = bytes.get_mut(1..5) {
        framed.copy_from_slice(&id.to_be_bytes());
    }
}

/// The schema that a text is: two texts are the same schema when they are the same JSON.
#[must_use]
pub fn schema_by_text(text: &str) -> Option<&'static RegisteredSchema> {
    static AS_JSON: LazyLock<Vec<serde_json::Value>> =
        LazyLock::new(|| SCHEMAS.iter().map(|schema| serde_json::from_str(schema.text).unwrap_or_default()).collect());
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    AS_JSON.iter().position(|known| *known == json).map(|index| &SCHEMAS[index])
}

/// Reads a framed record whose id is from the lock.
///
/// # Errors
/// [`DecodeError`]; an unknown id is told apart from bytes that do not match.
pub fn decode(bytes: &[u8]) -> Result<Event, DecodeError> {
    decode_with(bytes, schema_by_id)
}

/// Reads a framed record whose id leads to its schema by `schema_of`.
///
/// # Errors
/// As [`decode`].
pub fn decode_with(bytes: &[u8], schema_of: impl FnOnce(u32) -> Option<&'static RegisteredSchema>) -> Result<Event, DecodeError> {
    let (id, datum) = unframe(bytes).ok_or(DecodeError::Unframed)?;
    let registered = schema_of(id).ok_or(DecodeError::UnknownSchema(id))?;
    registered.event_type.read(DatumReader { datum, schema: &registered.schema }).map_err(|reason| DecodeError::Mismatch {
        id,
        event_type: registered.event_type.name(),
        reason,
    })
}

struct DatumReader<'a> {
    datum: &'a [u8],
    schema: &'a serde_avro_fast::Schema,
}

impl ReadPayload for DatumReader<'_> {
    type Output = Event;
    type Error = String;

    fn read<P: DeserializeOwned>(self, wrap: fn(P) -> Data) -> Result<Event, String> {
        let mut state = serde_avro_fast::de::DeserializerState::from_slice(self.datum, self.schema);
        let record = Record::<P>::deserialize(state.deserializer()).map_err(|error| error.to_string())?;
        let left_over = std::io::Read::read(&mut state.into_reader(), &mut [0]).map_err(|error| error.to_string())?;
        if left_over > 0 {
            return Err("bytes are left over".to_owned());
        }
        let Record { source, event_id, revision, retracted, account_id, rep_id, occurred_at, recorded_at, received_at, data } =
            record;
        let envelope =
            Envelope { source, event_id, revision, retracted, account_id, rep_id, occurred_at, recorded_at, received_at };
        Ok(Event { envelope, data: wrap(data) })
    }
}

/// An event that its schema cannot carry; ingest's validation makes that impossible.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode {event_type}: {reason}")]
pub struct EncodeError {
    event_type: &'static str,
    reason: String,
}

/// Writes a framed record with the newest schema of its type.
///
/// # Errors
/// [`EncodeError`].
pub fn encode(event: &Event) -> Result<Vec<u8>, EncodeError> {
    let registered = current_schema(event.data.event_type());
    let mut bytes = Vec::with_capacity(160);
    bytes.push(0);
    bytes.extend_from_slice(&registered.id.to_be_bytes());
    let writer = DatumWriter { envelope: &event.envelope, schema: &registered.schema, bytes };
    event.data.write(writer).map_err(|reason| EncodeError { event_type: registered.event_type.name(), reason })
}

struct DatumWriter<'a> {
    envelope: &'a Envelope,
    schema: &'a serde_avro_fast::Schema,
    bytes: Vec<u8>,
}

impl WritePayload for DatumWriter<'_> {
    type Output = Vec<u8>;
    type Error = String;

    fn write<P: Serialize>(self, payload: &P) -> Result<Vec<u8>, String> {
        let Envelope { source, event_id, revision, retracted, account_id, rep_id, occurred_at, recorded_at, received_at } =
            self.envelope.clone();
        let record = Record {
            source,
            event_id,
            revision,
            retracted,
            account_id,
            rep_id,
            occurred_at,
            recorded_at,
            received_at,
            data: payload,
        };
        serde_avro_fast::to_datum(&record, self.bytes, &mut SerializerConfig::new(self.schema)).map_err(|error| error.to_string())
    }
}

/// Reads a payload from JSON whose values already have their Avro forms: dates as days, instants as milliseconds,
/// decimals as texts. Ingest brings a body into that form and names what is wrong with it.
///
/// # Errors
/// What serde says.
pub fn payload_from_json(event_type: EventType, data: serde_json::Value) -> Result<Data, serde_json::Error> {
    struct JsonReader(serde_json::Value);
    impl ReadPayload for JsonReader {
        type Output = Data;
        type Error = serde_json::Error;
        fn read<P: DeserializeOwned>(self, wrap: fn(P) -> Data) -> Result<Data, serde_json::Error> {
            serde_json::from_value(self.0).map(wrap)
        }
    }
    event_type.read(JsonReader(data))
}

/// The opposite of [`payload_from_json`].
///
/// # Errors
/// What serde says.
pub fn payload_to_json(data: &Data) -> Result<serde_json::Value, serde_json::Error> {
    struct JsonWriter;
    impl WritePayload for JsonWriter {
        type Output = serde_json::Value;
        type Error = serde_json::Error;
        fn write<P: Serialize>(self, payload: &P) -> Result<serde_json::Value, serde_json::Error> {
            serde_json::to_value(payload)
        }
    }
    data.write(JsonWriter)
}
