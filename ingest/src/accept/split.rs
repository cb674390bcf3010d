//! A body becomes the texts of its events: one JSON object, an array of them, one object a line (NDJSON), a CloudEvent
//! or a batch of them. What the events say is for `validate`.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::value::RawValue;

use super::{
    Rejection,
    binary::is_binary,
    validate::{Dialect, is_json},
};

/// How a body is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object, an array, or lines where the first line is whole.
    Json,
    /// One object a line.
    Lines,
    /// A CloudEvent in structured mode: one object.
    CloudEvent,
    /// An array of CloudEvents.
    CloudEvents,
    /// A CloudEvent in binary mode, which is made a structured one before anything else.
    BinaryCloudEvent,
}

impl Form {
    /// # Errors
    /// 415 when the content type is none of the accepted ones.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = sent.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let is_structured = essence.starts_with("application/cloudevents");
        if !is_structured && is_binary(headers) && (essence.is_empty() || is_json(&essence)) {
            return Ok(Self::BinaryCloudEvent);
        }
        match essence.as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Self::Lines),
            "application/cloudevents+json" => Ok(Self::CloudEvent),
            "application/cloudevents-batch+json" => Ok(Self::CloudEvents),
            _ => Err(Rejection::unsupported(
                "content_type",
                format!(
                    "Content-Type {sent:?} is not accepted: send application/json (an object or an array), \
                     application/x-ndjson (an object a line), application/cloudevents+json or \
                     application/cloudevents-batch+json; nothing was kept"
                ),
            )),
        }
    }
}

impl Form {
    /// How its events name their fields.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Json | Self::Lines => Dialect::Tidemark,
            Self::CloudEvent | Self::CloudEvents | Self::BinaryCloudEvent => Dialect::CloudEvents,
        }
    }

    /// The content type under which one of its events can be sent again.
    pub(crate) fn event_type(self) -> &'static str {
        match self.dialect() {
            Dialect::Tidemark => "application/json",
            Dialect::CloudEvents => "application/cloudevents+json",
        }
    }

    /// The content type under which a whole body can be sent again.
    pub(crate) fn body_type(self) -> &'static str {
        match self {
            Self::Lines => "application/x-ndjson",
            Self::CloudEvents => "application/cloudevents-batch+json",
            one => one.event_type(),
        }
    }
}

/// One event as it came.
pub(crate) struct Item<'a> {
    /// The bytes, for the dead letter.
    pub(crate) raw: &'a [u8],
    /// JSON of some kind, or why it is not.
    pub(crate) json: Result<&'a RawValue, String>,
}

/// The events of a body, in order.
///
/// # Errors
/// Why the body as a whole cannot be read; a broken line of NDJSON is only that line's.
pub(crate) fn split(form: Form, body: &[u8]) -> Result<Vec<Item<'_>>, String> {
    if form == Form::Lines || (form == Form::Json && is_lines(body)) {
        return Ok(lines(body).map(line).collect());
    }
    let text = std::str::from_utf8(body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let is_array = form == Form::CloudEvents || (form == Form::Json && text.trim_start().starts_with('['));
    let items: Vec<&RawValue> = if is_array {
        serde_json::from_str(text).map_err(|error| unreadable(&error))?
    } else {
        vec![serde_json::from_str(text).map_err(|error| unreadable(&error))?]
    };
    Ok(items.into_iter().map(|json| Item { raw: json.get().as_bytes(), json: Ok(json) }).collect())
}

fn unreadable(error: &serde_json::Error) -> String {
    format!("the body cannot be read as JSON: {error}")
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// Whether the first line is a whole object and another follows, which no single JSON value looks like.
fn is_lines(body: &[u8]) -> bool {
    let mut lines = lines(body);
    let first = lines.next().filter(|first| first.first() == Some(&b'{'));
    lines.next().is_some() && first.is_some_and(|first| line(first).json.is_ok())
}

fn line(raw: &[u8]) -> Item<'_> {
    let json = match std::str::from_utf8(raw) {
        Ok(text) => serde_json::from_str(text).map_err(|error| format!("the line is not JSON: {error}")),
        Err(error) => Err(format!("the line is not UTF-8: {error}")),
    };
    Item { raw, json }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use super::*;

    fn count(form: Form, body: &str) -> Option<usize> {
        split(form, body.as_bytes()).ok().map(|items| items.len())
    }

    #[test]
    fn tells_the_three_forms_apart() {
        assert_eq!(count(Form::Json, r#" {"a":1} "#), Some(1));
        assert_eq!(count(Form::Json, "{\n\"a\":1\n}\n"), Some(1));
        assert_eq!(count(Form::Json, r#"[{"a":1},{"a":2}]"#), Some(2));
        assert_eq!(count(Form::Json, "[]"), Some(0));
        assert_eq!(count(Form::Json, "{\"a\":1}\n{\"a\":2}\r\n\n"), Some(2));
        assert_eq!(count(Form::Lines, "{\"a\":1}\n{broken\n{\"a\":2}"), Some(3));
        for whole in ["", "{", "[{}", "{} {}", "[{}]x", "nonsense"] {
            assert_eq!(count(Form::Json, whole), None, "{whole}");
        }
    }

    #[test]
    fn a_broken_line_is_only_that_line() {
        let items = split(Form::Lines, b"{\"a\":1}\n{broken\n\xff\n{\"a\":2}").unwrap();
        let readable: Vec<bool> = items.iter().map(|item| item.json.is_ok()).collect();
        assert_eq!(readable, [true, false, false, true]);
    }
}
