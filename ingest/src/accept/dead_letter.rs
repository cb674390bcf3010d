//! What was refused, kept with its reasons so that it can be mended and sent again. Personal data stays inside it.

use serde::Serialize;
use sha2::{Digest, Sha256};
use tidemark_schemas::{events::payload::Instant, tenant::Access};

use super::{
    row::{ROW_TYPE, Row},
    split::{Form, Item},
    validate::Problem,
};
use crate::http::request_id::{self, RequestId};

/// What of a request it was.
pub(super) struct Place<'a> {
    /// Where it stood; none for a whole body, which could not be cut into events.
    index: Option<usize>,
    content_type: &'static str,
    row: Option<Row<'a>>,
}

impl<'a> Place<'a> {
    pub(super) fn item(form: Form, index: usize, item: &Item<'a>) -> Self {
        let is_row = item.row.is_some() && item.json.is_err();
        let content_type = if is_row { ROW_TYPE } else { form.event_type() };
        Self { index: Some(index), content_type, row: item.row.clone() }
    }

    pub(super) fn body(form: Form) -> Self {
        Self { index: None, content_type: form.body_type(), row: None }
    }
}

/// One refused event, or one body that could not be read at all; the value of a `crm.dead` record.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLetter<'a> {
    /// Hash of tenant and body: a client's retry is the same dead letter.
    pub(crate) id: String,
    tenant: &'a str,
    source: &'a str,
    received_at: Instant,
    /// What the access log calls the request that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    pub(crate) reasons: &'a [Problem],
    /// Where it stood in its request; none for a whole body.
    index: Option<usize>,
    /// The content type under which `body` can be sent again.
    content_type: &'static str,
    /// How `body` holds the bytes: as text, or in hex where they are no UTF-8.
    encoding: &'static str,
    body: String,
    /// The row of a file that it was made of, to be mapped again.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<Row<'a>>,
}

impl<'a> DeadLetter<'a> {
    pub(super) fn new(access: &'a Access, received_at: Instant, place: Place<'a>, raw: &[u8], reasons: &'a [Problem]) -> Self {
        let mut hash = Sha256::new();
        hash.update(access.tenant.as_bytes());
        // Tenant names have no NUL, so that no other pair gives these bytes.
        hash.update([0]);
        hash.update(raw);
        let (encoding, body) = body(raw);
        let Place { index, content_type, row } = place;
        Self {
            id: hex::encode(hash.finalize()),
            tenant: &access.tenant,
            source: &access.source,
            received_at,
            request_id: request_id::current(),
            reasons,
            index,
            content_type,
            encoding,
            body,
            row,
        }
    }
}

/// Text where it stays readable; else hex, whose size has a bound (escaped control characters take six bytes each).
fn body(raw: &[u8]) -> (&'static str, String) {
    match std::str::from_utf8(raw) {
        Ok(text) if !text.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\n' | b'\r' | b'\t')) => ("text", text.to_owned()),
        _ => ("hex", hex::encode(raw)),
    }
}
