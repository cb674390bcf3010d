//! A dead letter as it is read, with its body: ingest's, or the projector's, which has no place in a request.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tidemark_schemas::dead::Standing;

/// What one record of `crm.dead` keeps.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    #[serde(serialize_with = "as_rfc3339")]
    received_at: i64,
    pub(crate) source: String,
    /// What ingest's access log calls the request that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    reasons: Box<RawValue>,
    /// Where it stood in its request; none for a whole body.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// The content type under which it can be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    encoding: String,
    body: String,
    /// The row of a file that it was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<Box<RawValue>>,
}

impl Kept {
    /// The bytes as they came; none where they are not kept in a way that we know.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        match self.encoding.as_str() {
            "text" => Some(self.body.clone().into_bytes()),
            "hex" => hex::decode(&self.body).ok(),
            _ => None,
        }
    }
}

/// A letter, and how it stands.
#[derive(Debug, Serialize)]
pub(crate) struct Letter {
    #[serde(flatten)]
    pub(crate) kept: Kept,
    #[serde(flatten, serialize_with = "shown")]
    pub(crate) standing: Standing,
}

fn shown<S: Serializer>(standing: &Standing, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        state: &'static str,
        times: u32,
        #[serde(serialize_with = "as_rfc3339")]
        first_at: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolved_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolved_by: Option<&'a str>,
    }
    Shown {
        state: standing.state(),
        times: standing.times,
        first_at: standing.first_at,
        resolved_at: standing.resolved_at.map(rfc3339),
        resolved_by: standing.resolved_by.as_deref(),
    }
    .serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_rfc3339<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*ms))
}

fn rfc3339(ms: i64) -> String {
    let instant = chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
    instant.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A text that is either a number of the log or nothing.
pub(crate) fn offset<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|_| serde::de::Error::custom("`after` is the `next` of an answer"))
}
