//! Which dead letters there are: each id once, where it came last, with what was wrong then and what was done since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use tidemark_schemas::dead::{DeadLetter, DeadRecord, How, Standing};

/// Most causes that are told apart; unknown fields can be called anything.
const CAUSES_MAX: usize = 1_000;

/// Which letters are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: AskedState,
    /// Only these; none: any.
    pub(crate) ids: Option<BTreeSet<String>>,
    pub(crate) reason: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) source: Option<String>,
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

    /// One of these, of that source, with a reason of that code about that field.
    fn takes(&self, letter: &DeadLetter) -> bool {
        if self.ids.as_ref().is_some_and(|ids| !ids.contains(&letter.id)) {
            return false;
        }
        let is = |asked: &Option<String>, found: Option<&str>| asked.as_deref().is_none_or(|asked| Some(asked) == found);
        is(&self.source, Some(&letter.source))
            && letter
                .reasons
                .iter()
                .any(|reason| is(&self.reason, Some(&reason.code)) && is(&self.field, reason.field.as_deref()))
    }
}

/// What is known of a letter without its body.
struct Entry {
    offset: i64,
    bytes: usize,
    standing: Standing,
    /// It is what the filter takes, whatever its state.
    is_taken: bool,
}

/// All letters of a stretch of the log.
pub(super) struct Ledger<'a> {
    filter: &'a Filter,
    by_id: HashMap<String, Entry>,
}

/// The letters that an answer shows.
pub(super) struct Page {
    /// Offset and how it stands, oldest first.
    pub(super) letters: BTreeMap<i64, Standing>,
    pub(super) total: usize,
    /// What `after` takes for the next page.
    pub(super) next: Option<i64>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        Self { filter, by_id: HashMap::new() }
    }

    /// A later letter with the same id takes the place of the earlier; a resolution says what became of it.
    pub(super) fn add(&mut self, offset: i64, bytes: usize, record: &DeadRecord) {
        let before = self.by_id.remove(record.id());
        let entry = match (record, before) {
            (DeadRecord::Letter(letter), before) => Standing::after(before.map(|entry| entry.standing), record)
                .map(|standing| Entry { offset, bytes, standing, is_taken: self.filter.takes(letter) }),
            (DeadRecord::Resolution(_), Some(before)) => {
                Standing::after(Some(before.standing), record).map(|standing| Entry { standing, ..before })
            }
            // Of a letter that is older than what is looked at.
            (DeadRecord::Resolution(_), None) => None,
        };
        if let Some(entry) = entry {
            self.by_id.insert(record.id().to_owned(), entry);
        }
    }

    fn asked_for(&self) -> impl Iterator<Item = &Entry> {
        self.by_id.values().filter(|entry| self.is_asked_for(entry))
    }

    fn is_asked_for(&self, entry: &Entry) -> bool {
        entry.is_taken && self.filter.state.takes(&entry.standing)
    }

    /// The newest letters before `after`, at most `limit`, and at most `bytes_max` together unless the first alone is more.
    pub(super) fn page(&self, after: Option<i64>, limit: usize, bytes_max: usize) -> Page {
        let mut asked_for: Vec<&Entry> = self.asked_for().collect();
        let total = asked_for.len();
        asked_for.retain(|entry| after.is_none_or(|after| entry.offset < after));
        asked_for.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.offset));
        let mut bytes = 0;
        let shown = asked_for.iter().take(limit).take_while(|entry| {
            bytes += entry.bytes;
            bytes == entry.bytes || bytes <= bytes_max
        });
        let letters: BTreeMap<i64, Standing> = shown.map(|entry| (entry.offset, entry.standing.clone())).collect();
        let next = (letters.len() < asked_for.len()).then(|| letters.keys().next().copied()).flatten();
        Page { letters, total, next }
    }

    pub(super) fn total(&self) -> usize {
        self.asked_for().count()
    }

    /// Whether this is the letter's last coming, and asked for.
    pub(super) fn shows(&self, id: &str, offset: i64) -> bool {
        self.by_id.get(id).is_some_and(|entry| entry.offset == offset && self.is_asked_for(entry))
    }
}

/// What several letters have in common.
#[derive(Debug, Serialize)]
pub(crate) struct Cause {
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    source: String,
    /// How many letters; one with several reasons is in several.
    pub(super) letters: u64,
    /// The newest of them.
    example: Example,
}

#[derive(Debug, Serialize)]
struct Example {
    id: String,
    message: String,
}

/// Letters by code, field and source.
#[derive(Default)]
pub(super) struct Causes(BTreeMap<(String, Option<String>, String), Cause>);

impl Causes {
    pub(super) fn add(&mut self, letter: &DeadLetter) {
        let mut counted = Vec::new();
        for reason in &letter.reasons {
            let key = (reason.code.clone(), reason.field.clone(), letter.source.clone());
            if counted.contains(&key) || (self.0.len() >= CAUSES_MAX && !self.0.contains_key(&key)) {
                continue;
            }
            counted.push(key.clone());
            let example = Example { id: letter.id.clone(), message: reason.message.clone() };
            let letters = self.0.get(&key).map_or(0, |cause| cause.letters) + 1;
            let (code, field, source) = key.clone();
            self.0.insert(key, Cause { code, field, source, letters, example });
        }
    }

    /// The most frequent first.
    pub(super) fn ranked(self, limit: usize) -> Vec<Cause> {
        let mut causes: Vec<Cause> = self.0.into_values().collect();
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.letters));
        causes.truncate(limit);
        causes
    }
}

#[cfg(test)]
mod tests {
    use tidemark_schemas::dead::{DeadReason, Resolution};

    use super::*;

    fn letter(id: &str, source: &str, reasons: &[(&str, &str)]) -> DeadLetter {
        let reason = |(code, field): &(&str, &str)| DeadReason {
            code: (*code).to_owned(),
            field: Some((*field).to_owned()),
            message: format!("{field} is {code}"),
        };
        let reasons = reasons.iter().map(reason).collect();
        DeadLetter { id: id.to_owned(), source: source.to_owned(), received_at: 0, reasons }
    }

    fn resolution(id: &str, how: How) -> DeadRecord {
        let (id, tenant, resolved_by) = (id.to_owned(), "acme".to_owned(), "crm".to_owned());
        DeadRecord::Resolution(Resolution { id, tenant, how, resolved_at: 1, resolved_by })
    }

    /// `a` and so on are letters, `-a` their replay, `~a` that they were dropped.
    fn ledger<'a>(filter: &'a Filter, records: &[(i64, &str)]) -> Ledger<'a> {
        let mut ledger = Ledger::new(filter);
        for (offset, record) in records {
            let record = match record.split_at(record.len() - 1) {
                ("-", id) => resolution(id, How::Replayed),
                ("~", id) => resolution(id, How::Dropped),
                (_, id) => DeadRecord::Letter(letter(id, "crm", &[("empty", "id")])),
            };
            ledger.add(*offset, 10, &record);
        }
        ledger
    }

    fn times(page: &Page) -> Vec<(i64, u32)> {
        page.letters.iter().map(|(offset, standing)| (*offset, standing.times)).collect()
    }

    #[test]
    fn each_id_once_where_it_came_last() {
        let filter = Filter::default();
        let ledger = ledger(&filter, &[(0, "a"), (1, "b"), (5, "a"), (7, "c"), (9, "a")]);
        let first = ledger.page(None, 2, 1_000);
        assert_eq!((times(&first), first.total, first.next), (vec![(7, 1), (9, 3)], 3, Some(7)));
        let second = ledger.page(Some(7), 2, 1_000);
        assert_eq!((times(&second), second.next), (vec![(1, 1)], None));
        assert_eq!(ledger.page(None, 9, 25).letters.len(), 2, "two of ten bytes fit");
        assert_eq!(ledger.page(None, 9, 5).letters.len(), 1, "one is shown however large");
        assert!(ledger.shows("a", 9) && !ledger.shows("a", 5));
    }

    #[test]
    fn what_was_dealt_with_is_shown_to_those_who_ask() {
        let records =
            [(0, "a"), (1, "b"), (2, "c"), (3, "-a"), (4, "~b"), (5, "-c"), (6, "-c"), (7, "c"), (8, "-z"), (9, "d"), (10, "~d")];
        let offsets = |state: AskedState| {
            let filter = Filter { state, ..Filter::default() };
            let page = ledger(&filter, &records).page(None, 9, 1_000);
            assert_eq!(page.total, page.letters.len());
            page.letters.keys().copied().collect::<Vec<i64>>()
        };
        assert_eq!(offsets(AskedState::Pending), [7], "c came again after its replay");
        assert_eq!(offsets(AskedState::Replayed), [0]);
        assert_eq!(offsets(AskedState::Dropped), [1, 9]);
        assert_eq!(offsets(AskedState::All), [0, 1, 7, 9], "of z nothing is known but that it was replayed");
        let filter = Filter::of_ids(["a".to_owned(), "z".to_owned()].into());
        assert_eq!(times(&ledger(&filter, &records).page(None, 9, 1_000)), [(0, 1)]);
    }

    #[test]
    fn code_and_field_are_of_one_reason() {
        let letter = letter("a", "crm", &[("empty", "event_id"), ("unknown_field", "data.x")]);
        let takes = |reason: Option<&str>, field: Option<&str>, source: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Filter { reason: owned(reason), field: owned(field), source: owned(source), ..Filter::default() }.takes(&letter)
        };
        assert!(
            takes(None, None, None) && takes(Some("empty"), None, None) && takes(Some("empty"), Some("event_id"), Some("crm"))
        );
        assert!(!takes(Some("empty"), Some("data.x"), None) && !takes(None, None, Some("zoho")) && !takes(Some("x"), None, None));
    }

    #[test]
    fn causes_count_letters() {
        let mut causes = Causes::default();
        causes.add(&letter("a", "crm", &[("empty", "event_id"), ("empty", "event_id"), ("unknown_field", "data.x")]));
        causes.add(&letter("b", "crm", &[("unknown_field", "data.x")]));
        causes.add(&letter("c", "zoho", &[("unknown_field", "data.x")]));
        let told: Vec<(String, u64, String)> =
            causes.ranked(2).into_iter().map(|cause| (cause.code, cause.letters, cause.example.id)).collect();
        assert_eq!(told, [("unknown_field".to_owned(), 2, "b".to_owned()), ("empty".to_owned(), 1, "a".to_owned())]);
    }
}
