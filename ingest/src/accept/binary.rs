//! A CloudEvent in binary mode, attributes as `ce-` headers and data as the body, becomes the same event in structured mode,
//! so that there is one way to read it, and a dead letter of it is whole.
//! Source: CloudEvents 1.0.2, HTTP protocol binding, section 3.1.

use std::borrow::Cow;

use axum::http::{HeaderMap, StatusCode};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use super::Rejection;

const PREFIX: &str = "ce-";
/// All attributes together; a dead letter has room for them beside its body.
const ATTRIBUTE_BYTES_MAX: usize = 8 << 10;

/// Whether the headers carry a CloudEvent's attributes.
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX))
}

/// The event as `application/cloudevents+json`.
///
/// # Errors
/// 400 when an attribute is no text, 431 when they are too many.
pub(crate) fn structured(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, Rejection> {
    let mut members = Vec::new();
    let mut attribute_bytes = 0;
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix(PREFIX) else { continue };
        attribute_bytes += attribute.len() + value.len();
        if attribute_bytes > ATTRIBUTE_BYTES_MAX {
            let message = format!("the ce- headers have more than {ATTRIBUTE_BYTES_MAX} bytes; nothing was kept");
            return Err(Rejection::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "attributes_too_large", message));
        }
        let text = std::str::from_utf8(value.as_bytes()).ok().and_then(decoded).ok_or_else(|| {
            let message = format!("header {name} is not UTF-8, percent-encoded or as it is; nothing was kept");
            Rejection::new(StatusCode::BAD_REQUEST, "malformed_attribute", message)
        })?;
        members.push(member(attribute, &text)?);
    }
    let body = body.trim_ascii();
    if let Ok(json) = serde_json::from_slice::<&RawValue>(body) {
        members.push(format!("\"data\":{json}"));
    } else if !body.is_empty() {
        members.push(member("data_base64", &BASE64_STANDARD.encode(body))?);
    }
    Ok(format!("{{{}}}", members.join(",")).into_bytes())
}

fn member(name: &str, text: &str) -> Result<String, Rejection> {
    let json = |text| serde_json::to_string(text).map_err(|error| Rejection::ours(error.to_string()));
    Ok(format!("{}:{}", json(name)?, json(text)?))
}

/// Unquoted, as older senders quote, then percent-decoded.
fn decoded(value: &str) -> Option<String> {
    let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = quoted.map_or(Cow::Borrowed(value), |value| value.replace("\\\"", "\"").replace("\\\\", "\\").into());
    percent_decode_str(&value).decode_utf8().ok().map(Cow::into_owned)
}
