//! What only a CloudEvent has: its version, the kind and encoding of its data, attributes that say nothing about the event.
//! Source: CloudEvents 1.0.2, core specification and JSON event format.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::value::RawValue;

use super::{
    fields::Fields,
    problem::{Code, Problem, Problems},
    scalar::Field,
};

const SPECVERSION: &str = "1.0";
/// Attributes that brokers and libraries add on the way. They belong to the transport, so that leaving them out loses nothing.
const OF_THE_TRANSPORT: [&str; 8] =
    ["subject", "dataschema", "traceparent", "tracestate", "partitionkey", "sequence", "sequencetype", "knativearrivaltime"];

/// Checks and takes these attributes; gives `data` where it came as `data_base64`.
pub(super) fn read_attributes(fields: &mut Fields<'_>, problems: &mut Problems) -> Option<Box<RawValue>> {
    for attribute in OF_THE_TRANSPORT {
        fields.take(attribute);
    }
    match fields.take("specversion") {
        Some(json) => problems.note(one_of(&Field { name: "specversion", json }, "\"1.0\"", |version| version == SPECVERSION)),
        None => problems.note(Err(Problem::of_field(Code::MissingField, "specversion", "specversion is missing: \"1.0\""))),
    };
    if let Some(json) = fields.take("datacontenttype") {
        let field = Field { name: "datacontenttype", json };
        problems.note(one_of(&field, "application/json: only JSON has the fields that a type defines", is_json));
    }
    if !fields.has("source") {
        // CloudEvents demands it, and with the id it is the event's identity.
        problems.push(Problem::of_field(
            Code::MissingField,
            "source",
            "source is missing: the system that reports, like \"crm\"",
        ));
    }
    let json = fields.take("data_base64")?;
    problems.note(decoded(&Field { name: "data_base64", json }))
}

fn one_of(field: &Field<'_>, expected: &str, is_allowed: impl FnOnce(&str) -> bool) -> Result<(), Problem> {
    let text = field.id()?;
    if is_allowed(&text) {
        return Ok(());
    }
    let message = format!("{} is {text:?}, expected {expected}", field.name);
    Err(Problem::of_field(Code::NotAllowed, field.name, message))
}

/// Whether a media type is JSON (RFC 6839: by its suffix too).
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || essence.strip_suffix("+json").is_some_and(|kind| !kind.is_empty())
}

fn decoded(field: &Field<'_>) -> Result<Box<RawValue>, Problem> {
    let bad = |reason: String| Problem::of_field(Code::BadFormat, field.name, format!("{} {reason}", field.name));
    let bytes = BASE64_STANDARD.decode(field.text()?).map_err(|error| bad(format!("is not base64: {error}")))?;
    serde_json::from_slice(&bytes).map_err(|error| bad(format!("does not hold JSON: {error}")))
}
