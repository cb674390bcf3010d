//! Which dead letters there are: each id once, where it came last, with what was wrong then.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::letter::Summary;

/// Most causes that are told apart; unknown fields can be called anything.
const CAUSES_MAX: usize = 1_000;

/// Which letters are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) reason: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) source: Option<String>,
}

impl Filter {
    /// Of that source, with a reason of that code about that field.
    fn takes(&self, letter: &Summary) -> bool {
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
    times: u32,
    is_asked_for: bool,
}

/// All letters of a stretch of the log.
pub(super) struct Ledger<'a> {
    filter: &'a Filter,
    by_id: HashMap<String, Entry>,
}

/// The letters that an answer shows.
pub(super) struct Page {
    /// Offset and how often it came, oldest first.
    pub(super) letters: BTreeMap<i64, u32>,
    pub(super) total: usize,
    /// What `after` takes for the next page.
    pub(super) next: Option<i64>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        Self { filter, by_id: HashMap::new() }
    }

    /// A later letter with the same id takes the place of the earlier.
    pub(super) fn add(&mut self, offset: i64, bytes: usize, letter: &Summary) {
        let times = self.by_id.get(&letter.id).map_or(1, |earlier| earlier.times.saturating_add(1));
        let entry = Entry { offset, bytes, times, is_asked_for: self.filter.takes(letter) };
        self.by_id.insert(letter.id.clone(), entry);
    }

    /// The newest letters before `after`, at most `limit`, and at most `bytes_max` together unless the first alone is more.
    pub(super) fn page(&self, after: Option<i64>, limit: usize, bytes_max: usize) -> Page {
        let mut asked_for: Vec<&Entry> = self.by_id.values().filter(|entry| entry.is_asked_for).collect();
        let total = asked_for.len();
        asked_for.retain(|entry| after.is_none_or(|after| entry.offset < after));
        asked_for.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.offset));
        let mut bytes = 0;
        let shown = asked_for.iter().take(limit).take_while(|entry| {
            bytes += entry.bytes;
            bytes == entry.bytes || bytes <= bytes_max
        });
        let letters: BTreeMap<i64, u32> = shown.map(|entry| (entry.offset, entry.times)).collect();
        let next = (letters.len() < asked_for.len()).then(|| letters.keys().next().copied()).flatten();
        Page { letters, total, next }
    }

    pub(super) fn total(&self) -> usize {
        self.by_id.values().filter(|entry| entry.is_asked_for).count()
    }

    /// Whether this is the letter's last coming, and asked for.
    pub(super) fn shows(&self, id: &str, offset: i64) -> bool {
        self.by_id.get(id).is_some_and(|entry| entry.is_asked_for && entry.offset == offset)
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
    pub(super) fn add(&mut self, letter: &Summary) {
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
    use super::{super::letter::Reason, *};

    fn letter(id: &str, source: &str, reasons: &[(&str, &str)]) -> Summary {
        let reason = |(code, field): &(&str, &str)| Reason {
            code: (*code).to_owned(),
            field: Some((*field).to_owned()),
            message: format!("{field} is {code}"),
        };
        Summary { id: id.to_owned(), source: source.to_owned(), reasons: reasons.iter().map(reason).collect() }
    }

    #[test]
    fn each_id_once_where_it_came_last() {
        let filter = Filter::default();
        let mut ledger = Ledger::new(&filter);
        for (offset, id) in [(0, "a"), (1, "b"), (5, "a"), (7, "c"), (9, "a")] {
            ledger.add(offset, 10, &letter(id, "crm", &[("empty", "id")]));
        }
        let first = ledger.page(None, 2, 1_000);
        assert_eq!((first.letters, first.total, first.next), (BTreeMap::from([(7, 1), (9, 3)]), 3, Some(7)));
        let second = ledger.page(Some(7), 2, 1_000);
        assert_eq!((second.letters, second.next), (BTreeMap::from([(1, 1)]), None));
        assert_eq!(ledger.page(None, 9, 25).letters.len(), 2, "two of ten bytes fit");
        assert_eq!(ledger.page(None, 9, 5).letters.len(), 1, "one is shown however large");
        assert!(ledger.shows("a", 9) && !ledger.shows("a", 5));
    }

    #[test]
    fn code_and_field_are_of_one_reason() {
        let letter = letter("a", "crm", &[("empty", "event_id"), ("unknown_field", "data.x")]);
        let takes = |reason: Option<&str>, field: Option<&str>, source: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Filter { reason: owned(reason), field: owned(field), source: owned(source) }.takes(&letter)
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
