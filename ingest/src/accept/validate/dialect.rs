//! The two forms that an event's envelope has as JSON: ours, and CloudEvents 1.0. Same fields, other names.

use serde_json::value::RawValue;

/// How the sender names the fields of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As in `schemas/events`.
    Tidemark,
    /// Attributes and extensions of CloudEvents 1.0, whose names are lower-case letters and digits only.
    CloudEvents,
}

impl Dialect {
    /// What the sender calls a field of the envelope.
    pub(super) fn name(self, field: &'static str) -> &'static str {
        match (self, field) {
            (Self::Tidemark, _) => field,
            (Self::CloudEvents, "event_id") => "id",
            (Self::CloudEvents, "occurred_at") => "time",
            (Self::CloudEvents, "account_id") => "accountid",
            (Self::CloudEvents, "rep_id") => "repid",
            (Self::CloudEvents, "recorded_at") => "recordedat",
            (Self::CloudEvents, same) => same,
        }
    }

    /// A number or truth value, which CloudEvents may write as a text: in binary mode everything is one, and its own
    /// integers have 32 bits, too few for a modification time.
    pub(super) fn plain(self, json: &RawValue) -> &RawValue {
        let inner = json.get().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        inner
            .filter(|_| self == Self::CloudEvents)
            .map(|inner| match inner {
                // As the Python SDK writes them in binary mode.
                "True" => "true",
                "False" => "false",
                other => other,
            })
            .filter(|inner| matches!(*inner, "true" | "false") || inner.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|inner| serde_json::from_str(inner).ok())
            .unwrap_or(json)
    }
}
