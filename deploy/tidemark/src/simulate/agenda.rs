//! What is going to happen and when: the simulation takes the earliest and lets it lead to more.

use std::{cmp::Ordering, collections::BinaryHeap};

use tidemark_schemas::{decimal::Decimal6, events::Data};

/// Something that will happen.
pub(super) enum Action {
    /// A rep does one of the things that reps do all day.
    Routine { rep: usize },
    /// Exactly this.
    Say { account: Option<usize>, rep: Option<usize>, data: Box<Data> },
    /// A lead becomes an account with a deal.
    Convert { rep: usize, lead_id: String },
    /// A deal goes on: to another stage, or to its end.
    Deal(Box<OpenDeal>),
}

/// A deal that is not closed.
pub(super) struct OpenDeal {
    pub(super) id: String,
    pub(super) account: usize,
    pub(super) rep: usize,
    pub(super) stage: usize,
    pub(super) amount: Decimal6,
    pub(super) currency: Option<&'static str>,
    pub(super) was_reopened: bool,
}

/// Actions by their time; those of one instant in the order in which they were planned.
#[derive(Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Entry>,
    planned: u64,
}

struct Entry {
    at: i64,
    number: u64,
    action: Action,
}

impl Agenda {
    pub(super) fn plan(&mut self, at: i64, action: Action) {
        self.planned += 1;
        self.entries.push(Entry { at, number: self.planned, action });
    }

    /// When the next action happens.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.entries.peek().map(|entry| entry.at)
    }

    pub(super) fn pop(&mut self) -> Option<(i64, Action)> {
        self.entries.pop().map(|entry| (entry.at, entry.action))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest, which a heap gives out first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
