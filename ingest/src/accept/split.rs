//! A body becomes the texts of its events: one JSON object, an array of them, one object a line (NDJSON), a CloudEvent
//! or a batch of them, or one row of a file a line. What the events say is for `validate`.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::value::RawValue;

use super::{
    Rejection,
    binary::is_binary,
    row::{self, ROWS_TYPE, Row},
    validate::{Code, Dialect, Problem, is_json},
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
    /// One row of a file a line, with the events that a mapping made of it.
    Rows,
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
        Self::named(&essence).ok_or_else(|| {
            Rejection::unsupported(
                "content_type",
                format!(
                    "Content-Type {sent:?} is not accepted: send application/json (an object or an array), \
                     application/x-ndjson (an object a line), application/cloudevents+json or \
                     application/cloudevents-batch+json; nothing was kept"
                ),
            )
        })
    }

    /// The form of a content type without parameters.
    pub(crate) fn named(essence: &str) -> Option<Self> {
        match essence {
            "application/json" => Some(Self::Json),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Lines),
            "application/cloudevents+json" => Some(Self::CloudEvent),
            "application/cloudevents-batch+json" => Some(Self::CloudEvents),
            ROWS_TYPE => Some(Self::Rows),
            _ => None,
        }
    }
}

impl Form {
    /// How its events name their fields.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Json | Self::Lines | Self::Rows => Dialect::Tidemark,
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
            Self::Rows => ROWS_TYPE,
            one => one.event_type(),
        }
    }
}

/// One event as it came.
pub(crate) struct Item<'a> {
    /// The bytes, for the dead letter.
    pub(crate) raw: &'a [u8],
    /// JSON of some kind, or why there is none.
    pub(crate) json: Result<&'a RawValue, Problem>,
    /// The row of a file that it was made of.
    pub(crate) row: Option<Row<'a>>,
}

/// The events of a body, in order.
///
/// # Errors
/// Why the body as a whole cannot be read; a broken line of NDJSON is only that line's.
pub(crate) fn split(form: Form, body: &[u8]) -> Result<Vec<Item<'_>>, String> {
    if form == Form::Rows {
        let items = lines(body).map(|line| row::items(line).unwrap_or_else(|reason| vec![malformed(line, reason)]));
        return Ok(items.flatten().collect());
    }
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
    Ok(items.into_iter().map(|json| Item { raw: json.get().as_bytes(), json: Ok(json), row: None }).collect())
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
    match json {
        Ok(json) => Item { raw, json: Ok(json), row: None },
        Err(reason) => malformed(raw, reason),
    }
}

fn malformed(raw: &[u8], reason: String) -> Item<'_> {
    Item { raw, json: Err(Problem::of_event(Code::MalformedJson, reason)), row: None }
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
    fn a_row_is_its_events_or_itself() {
        let body = br#"{"file":"f.csv","line":2,"row":{"a":"1"},"events":[{"x":1},{"x":2}]}
            {"file":"f.csv","line":3,"row":{"a":"2"},"events":[]}
            {"file":"f.csv","line":4,"row":{"a":"3"},"refused":{"is_broken":false,"message":"no day"}}
            {"row":1}"#;
        let items = split(Form::Rows, body).unwrap();
        let shown = |item: &Item<'_>| {
            let row = serde_json::to_string(&item.row).unwrap();
            (String::from_utf8_lossy(item.raw).into_owned(), item.json.as_ref().err().map(|problem| problem.code), row)
        };
        let shown: Vec<_> = items.iter().map(shown).collect();
        let of_first = r#"{"file":"f.csv","line":2,"content":{"a":"1"}}"#.to_owned();
        assert_eq!(shown[0], (r#"{"x":1}"#.to_owned(), None, of_first.clone()));
        assert_eq!(shown[1], (r#"{"x":2}"#.to_owned(), None, of_first));
        let itself = r#"{"file":"f.csv","line":4}"#.to_owned();
        assert_eq!(shown[2], (r#"{"a":"3"}"#.to_owned(), Some(Code::Unmapped), itself));
        assert_eq!(shown[3], (r#"{"row":1}"#.to_owned(), Some(Code::MalformedJson), "null".to_owned()));
        assert_eq!(shown.len(), 4);
    }

    #[test]
    fn a_broken_line_is_only_that_line() {
        let items = split(Form::Lines, b"{\"a\":1}\n{broken\n\xff\n{\"a\":2}").unwrap();
        let readable: Vec<bool> = items.iter().map(|item| item.json.is_ok()).collect();
        assert_eq!(readable, [true, false, false, true]);
    }
}
