//! Which dead letters are asked for.

use std::collections::BTreeSet;

use serde::Deserialize;
use tidemark_schemas::dead::{How, Standing};

use super::ledger::{About, Entry};

/// Which letters are asked for; what is `None` says nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: AskedState,
    /// Only these.
    pub(crate) ids: Option<BTreeSet<String>>,
    /// What the id begins with.
    pub(crate) id_prefix: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) source: Option<String>,
    /// The name of the file whose row it was.
    pub(crate) file: Option<String>,
    /// Came last before this, milliseconds UTC.
    pub(crate) before: Option<i64>,
}

/// In which state letters are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AskedState {
    #[default]
    Pending,
    Replayed,
    Dropped,
    All,
}

impl AskedState {
    fn takes(self, standing: &Standing) -> bool {
        match self {
            Self::Pending => standing.resolved.is_none(),
            Self::Replayed => standing.resolved == Some(How::Replayed),
            Self::Dropped => standing.resolved == Some(How::Dropped),
            Self::All => true,
        }
    }
}

impl Filter {
    /// These letters, in whatever state.
    pub(crate) fn of_ids(ids: BTreeSet<String>) -> Self {
        Self { ids: Some(ids), state: AskedState::All, ..Self::default() }
    }

    /// The letters whose id begins so, in whatever state.
    pub(crate) fn of_prefix(prefix: String) -> Self {
        Self { id_prefix: Some(prefix), state: AskedState::All, ..Self::default() }
    }

    pub(super) fn takes(&self, id: &str, entry: &Entry) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(id))
            && self.id_prefix.as_ref().is_none_or(|prefix| id.starts_with(prefix.as_str()))
            && self.before.is_none_or(|before| entry.standing.last_at < before)
            && self.state.takes(&entry.standing)
            && self.is_about(&entry.about)
    }

    /// Of that source and file, with a reason of that code about that field.
    fn is_about(&self, about: &About) -> bool {
        let is = |asked: &Option<String>, found: Option<&str>| asked.as_deref().is_none_or(|asked| Some(asked) == found);
        is(&self.source, Some(&about.source))
            && is(&self.file, about.file.as_deref())
            && about.reasons.iter().any(|(code, field)| is(&self.reason, Some(code)) && is(&self.field, field.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_field_are_of_one_reason() {
        let reasons = [("empty", "event_id"), ("unknown_field", "data.x")];
        let reasons = reasons.map(|(code, field)| (code.to_owned(), Some(field.to_owned()))).into();
        let about = About { source: "crm".to_owned(), file: Some("a.csv".to_owned()), reasons };
        let takes = |[reason, field, source, file]: [&str; 4]| {
            let [reason, field, source, file] =
                [reason, field, source, file].map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
            Filter { reason, field, source, file, ..Filter::default() }.is_about(&about)
        };
        for taken in [["", "", "", ""], ["empty", "", "", ""], ["empty", "event_id", "crm", ""], ["", "", "", "a.csv"]] {
            assert!(takes(taken), "{taken:?}");
        }
        for other in [["empty", "data.x", "", ""], ["", "", "zoho", ""], ["x", "", "", ""], ["", "", "", "b.csv"]] {
            assert!(!takes(other), "{other:?}");
        }
    }
}
