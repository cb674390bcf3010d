//! Which dead letters there are: each id once, where it came last, with what was wrong then and what was done since. It is kept
//! between questions and goes on where it ended, so that a partition is read once and not for every page of an answer.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use tidemark_schemas::dead::{DeadLetter, DeadRecord, Standing};

use super::{
    causes::{Cause, Causes},
    filter::Filter,
};

/// What is known of a letter without its body.
pub(super) struct Entry {
    pub(super) offset: i64,
    bytes: usize,
    pub(super) standing: Standing,
    pub(super) about: Arc<About>,
}

/// What a letter is about; many are about the same.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct About {
    pub(super) source: String,
    pub(super) file: Option<String>,
    /// Code and field.
    pub(super) reasons: Vec<(String, Option<String>)>,
}

/// All letters of a stretch of the log.
pub(super) struct Ledger {
    stretch: Range<i64>,
    by_id: HashMap<String, Entry>,
    abouts: HashSet<Arc<About>>,
}

/// The letters that an answer shows.
pub(super) struct Page {
    /// Offset and how it stands, oldest first.
    pub(super) letters: BTreeMap<i64, Standing>,
    pub(super) total: usize,
    /// What `after` takes for the next page.
    pub(super) next: Option<i64>,
}

impl Ledger {
    /// Of a stretch that begins here and has nothing in it yet.
    pub(super) fn new(start: i64) -> Self {
        Self { stretch: start..start, by_id: HashMap::new(), abouts: HashSet::new() }
    }

    /// What of a log is not in it yet; nothing where it is another log's.
    pub(super) fn missing(&self, log: &Range<i64>) -> Option<Range<i64>> {
        (self.stretch.end >= log.start && self.stretch.end <= log.end).then_some(self.stretch.end..log.end)
    }

    /// Everything up to here is in it, and nothing before `start` any more.
    pub(super) fn is_of(&mut self, stretch: Range<i64>) {
        if self.stretch.start < stretch.start {
            self.by_id.retain(|_, entry| entry.offset >= stretch.start);
        }
        self.stretch = stretch;
    }

    /// A later letter with the same id takes the place of the earlier; a resolution says what became of it.
    pub(super) fn add(&mut self, offset: i64, bytes: usize, record: &DeadRecord, file: Option<String>) {
        let before = self.by_id.remove(record.id());
        let entry = match (record, before) {
            (DeadRecord::Letter(letter), before) => Standing::after(before.map(|entry| entry.standing), record)
                .map(|standing| Entry { offset, bytes, standing, about: self.about(letter, file) }),
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

    fn about(&mut self, letter: &DeadLetter, file: Option<String>) -> Arc<About> {
        let reasons = letter.reasons.iter().map(|reason| (reason.code.clone(), reason.field.clone())).collect();
        let about = About { source: letter.source.clone(), file, reasons };
        if let Some(known) = self.abouts.get(&about) {
            return known.clone();
        }
        let about = Arc::new(about);
        self.abouts.insert(about.clone());
        about
    }

    /// Oldest first.
    fn asked_for(&self, filter: &Filter) -> Vec<(&str, &Entry)> {
        let all = self.by_id.iter().map(|(id, entry)| (id.as_str(), entry));
        let mut asked_for: Vec<_> = all.filter(|(id, entry)| filter.takes(id, entry)).collect();
        asked_for.sort_unstable_by_key(|(_, entry)| entry.offset);
        asked_for
    }

    /// The newest letters before `after`, at most `limit`, and at most `bytes_max` together unless the first alone is more.
    pub(super) fn page(&self, filter: &Filter, after: Option<i64>, limit: usize, bytes_max: usize) -> Page {
        let mut asked_for = self.asked_for(filter);
        let total = asked_for.len();
        asked_for.retain(|(_, entry)| after.is_none_or(|after| entry.offset < after));
        let mut bytes = 0;
        let shown = asked_for.iter().rev().take(limit).take_while(|(_, entry)| {
            bytes += entry.bytes;
            bytes == entry.bytes || bytes <= bytes_max
        });
        let letters: BTreeMap<i64, Standing> = shown.map(|(_, entry)| (entry.offset, entry.standing.clone())).collect();
        let next = (letters.len() < asked_for.len()).then(|| letters.keys().next().copied()).flatten();
        Page { letters, total, next }
    }

    /// Causes without their messages, and how many letters they are of.
    pub(super) fn causes(&self, filter: &Filter, limit: usize) -> (Vec<Cause>, usize) {
        let asked_for = self.asked_for(filter);
        let mut causes = Causes::default();
        asked_for.iter().for_each(|(id, entry)| causes.add(id, entry));
        (causes.ranked(limit), asked_for.len())
    }
}

#[cfg(test)]
mod tests {
    use tidemark_schemas::dead::{DeadReason, How, Resolution};

    use super::{super::AskedState, *};

    fn letter(id: &str, source: &str, reasons: &[(&str, &str)]) -> DeadRecord {
        let reason = |(code, field): &(&str, &str)| DeadReason {
            code: (*code).to_owned(),
            field: Some((*field).to_owned()),
            message: format!("{field} is {code}"),
        };
        let reasons = reasons.iter().map(reason).collect();
        DeadRecord::Letter(DeadLetter { id: id.to_owned(), source: source.to_owned(), received_at: 0, reasons })
    }

    fn resolution(id: &str, how: How) -> DeadRecord {
        let (id, tenant, resolved_by) = (id.to_owned(), "acme".to_owned(), "crm".to_owned());
        DeadRecord::Resolution(Resolution { id, tenant, how, resolved_at: 1, resolved_by })
    }

    /// `a` and so on are letters, `-a` their replay, `~a` that they were dropped.
    fn add(ledger: &mut Ledger, records: &[(i64, &str)]) {
        for (offset, record) in records {
            let record = match record.split_at(record.len() - 1) {
                ("-", id) => resolution(id, How::Replayed),
                ("~", id) => resolution(id, How::Dropped),
                (_, id) => letter(id, "crm", &[("empty", "id")]),
            };
            ledger.add(*offset, 10, &record, None);
        }
    }

    fn ledger(records: &[(i64, &str)]) -> Ledger {
        let mut ledger = Ledger::new(0);
        add(&mut ledger, records);
        ledger
    }

    fn times(page: &Page) -> Vec<(i64, u32)> {
        page.letters.iter().map(|(offset, standing)| (*offset, standing.times)).collect()
    }

    #[test]
    fn each_id_once_where_it_came_last() {
        let filter = Filter::default();
        let ledger = ledger(&[(0, "a"), (1, "b"), (5, "a"), (7, "c"), (9, "a")]);
        let first = ledger.page(&filter, None, 2, 1_000);
        assert_eq!((times(&first), first.total, first.next), (vec![(7, 1), (9, 3)], 3, Some(7)));
        let second = ledger.page(&filter, Some(7), 2, 1_000);
        assert_eq!((times(&second), second.next), (vec![(1, 1)], None));
        assert_eq!(ledger.page(&filter, None, 9, 25).letters.len(), 2, "two of ten bytes fit");
        assert_eq!(ledger.page(&filter, None, 9, 5).letters.len(), 1, "one is shown however large");
    }

    #[test]
    fn what_was_dealt_with_is_shown_to_those_who_ask() {
        let records =
            [(0, "a"), (1, "b"), (2, "c"), (3, "-a"), (4, "~b"), (5, "-c"), (6, "-c"), (7, "c"), (8, "-z"), (9, "d"), (10, "~d")];
        let ledger = ledger(&records);
        let offsets = |state: AskedState| {
            let page = ledger.page(&Filter { state, ..Filter::default() }, None, 9, 1_000);
            assert_eq!(page.total, page.letters.len());
            page.letters.keys().copied().collect::<Vec<i64>>()
        };
        assert_eq!(offsets(AskedState::Pending), [7], "c came again after its replay");
        assert_eq!(offsets(AskedState::Replayed), [0]);
        assert_eq!(offsets(AskedState::Dropped), [1, 9]);
        assert_eq!(offsets(AskedState::All), [0, 1, 7, 9], "of z nothing is known but that it was replayed");
        let filter = Filter::of_ids(["a".to_owned(), "z".to_owned()].into());
        assert_eq!(times(&ledger.page(&filter, None, 9, 1_000)), [(0, 1)]);
    }

    #[test]
    fn goes_on_where_it_ended_unless_it_is_another_log() {
        let mut ledger = Ledger::new(0);
        assert_eq!(ledger.missing(&(0..3)), Some(0..3));
        add(&mut ledger, &[(0, "a"), (1, "b"), (2, "c")]);
        ledger.is_of(0..3);
        assert_eq!(ledger.missing(&(0..6)), Some(3..6));
        add(&mut ledger, &[(3, "-b"), (5, "a")]);
        // The oldest records are not looked at any more.
        ledger.is_of(2..6);
        let all = Filter { state: AskedState::All, ..Filter::default() };
        assert_eq!(times(&ledger.page(&all, None, 9, 1_000)), [(2, 1), (5, 2)]);
        assert_eq!((ledger.missing(&(0..5)), ledger.missing(&(7..9))), (None, None));
        assert_eq!(ledger.missing(&(6..6)), Some(6..6));
    }

    #[test]
    fn causes_count_letters() {
        let mut ledger = Ledger::new(0);
        for (offset, record) in [
            letter("a", "crm", &[("empty", "event_id"), ("empty", "event_id"), ("unknown_field", "data.x")]),
            letter("b", "crm", &[("unknown_field", "data.x")]),
            letter("c", "zoho", &[("unknown_field", "data.x")]),
        ]
        .iter()
        .enumerate()
        {
            ledger.add(offset as i64, 10, record, None);
        }
        let (causes, total) = ledger.causes(&Filter::default(), 2);
        let told: Vec<_> =
            causes.into_iter().map(|cause| (cause.code, cause.letters, cause.example.id, cause.example.offset)).collect();
        let expected = [("unknown_field", 2, "b", 1), ("empty", 1, "a", 0)];
        assert_eq!((told, total), (expected.map(|(code, n, id, at)| (code.to_owned(), n, id.to_owned(), at)).into(), 3));
    }
}
