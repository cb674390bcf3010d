//! A dead letter as it is read: ingest's, or the projector's, which has no place in a request.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Everything but the body: what filters and counts need.
#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) reasons: Vec<Reason>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reason {
    pub(super) code: String,
    pub(super) field: Option<String>,
    pub(super) message: String,
}

/// One letter of a page.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    id: String,
    #[serde(serialize_with = "as_rfc3339")]
    received_at: i64,
    source: String,
    /// What ingest's access log calls the request that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    reasons: Box<RawValue>,
    /// Where it stood in its request; none for a whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The content type under which it can be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    encoding: String,
    body: String,
    /// How often it came.
    #[serde(default)]
    times: u32,
}

impl Letter {
    pub(super) fn came(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

fn as_rfc3339<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    let instant = chrono::DateTime::from_timestamp_millis(*ms).unwrap_or_default();
    serializer.serialize_str(&instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// Reads a record's value as one or the other.
pub(super) fn read<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_slice(value)).ok()
}

/// A text that is either a number of the log or nothing.
pub(crate) fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| serde::de::Error::custom("`after` is the `next` of an answer"))
}
