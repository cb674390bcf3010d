//! Which dead letters, and what is to be done with them.

use super::super::ImportOptions;

/// Which letters; what is `None` says nothing.
#[derive(Debug, Clone, Default)]
pub struct LetterFilter {
    /// These and no others; a beginning that only one letter's id has will do.
    pub ids: Vec<String>,
    /// With a reason of this code.
    pub reason: Option<String>,
    /// About this field.
    pub field: Option<String>,
    /// Sent with a key of this source.
    pub source: Option<String>,
    /// Rows of the file of this name, without its folder.
    pub file: Option<String>,
    /// Came last before this instant (RFC 3339).
    pub before: Option<String>,
    /// `pending` (the default), `replayed`, `dropped` or `all`.
    pub state: Option<String>,
}

impl LetterFilter {
    /// The query string, with what the question has beside it.
    pub(super) fn query(&self, more: &[(&str, &str)]) -> String {
        let own = [
            ("reason", &self.reason),
            ("field", &self.field),
            ("source", &self.source),
            ("file", &self.file),
            ("before", &self.before),
            ("state", &self.state),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let encoded = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let pairs = own.chain(more.iter().copied()).map(|(name, value)| format!("{name}={}", encoded(value)));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// What is sent in the place of a letter.
#[derive(Debug, Clone)]
pub enum Mending {
    /// The letter as it is: after the cause was mended on our side.
    AsKept,
    /// What the mapping makes of the row that it came from, or of its body where it came from no file.
    Mapped,
    /// What a jq program makes of its body.
    Edited(String),
}

/// How letters are replayed.
#[derive(Debug, Clone)]
pub struct MendOptions {
    /// Which.
    pub filter: LetterFilter,
    /// With what.
    pub mending: Mending,
    /// Change nothing; say what would be accepted.
    pub dry_run: bool,
    /// Where ingest is, the key, the mapping and what it looks things up in.
    pub import: ImportOptions,
}
