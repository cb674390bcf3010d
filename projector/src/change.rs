//! What one event changed: facts before and after, and findings before and after.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use tidemark_schemas::{fact::Fact, table::FactTable};

/// Something that could not be counted, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// incomplete, other_currency or not_measured.
    pub kind: FindingKind,
    /// What it is about.
    pub subject: String,
    /// One sentence.
    pub detail: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FindingKind {
    /// Events of an entity whose defining event has not come.
    Incomplete,
    /// A movement of money in another currency than its receivable.
    OtherCurrency,
    /// A fact on which a KPI's expressions fail.
    NotMeasured,
}

impl FindingKind {
    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::OtherCurrency => "other_currency",
            Self::NotMeasured => "not_measured",
        }
    }
}

/// A fact before and after one event; never both none, never equal.
#[derive(Debug, Clone)]
pub struct FactChange {
    /// [`Fact::key`] of both.
    pub key: Arc<str>,
    /// Position of the event.
    pub position: i64,
    /// When the broker appended it, milliseconds.
    pub known_at: i64,
    /// The fact before.
    pub old: Option<Arc<Fact>>,
    /// The fact after.
    pub new: Option<Arc<Fact>>,
}

impl FactChange {
    /// The table of the fact.
    #[must_use]
    pub fn table(&self) -> Option<FactTable> {
        self.old.as_ref().or(self.new.as_ref()).map(|fact| fact.table)
    }
}

/// What stood before an event and what stands after it; none where there was nothing, or is nothing any more.
type BeforeAfter<T> = (Option<T>, Option<T>);

/// Collects what one event changes; the first "before" and the last "after" of each fact count, so that it does not
/// matter how often or in which order folds run.
#[derive(Debug, Default)]
pub struct EventChanges {
    facts: BTreeMap<(FactTable, Arc<str>), BeforeAfter<Arc<Fact>>>,
    findings: BTreeMap<(FindingKind, String), BeforeAfter<Finding>>,
}

impl EventChanges {
    /// Notes that the facts of an owner went from `old` to `new`.
    pub fn facts(&mut self, old: &[Arc<Fact>], new: &[Arc<Fact>]) {
        for fact in old {
            self.facts.entry((fact.table, fact.key().into())).or_insert_with(|| (Some(fact.clone()), None)).1 = None;
        }
        for fact in new {
            self.facts.entry((fact.table, fact.key().into())).or_insert((None, None)).1 = Some(fact.clone());
        }
    }

    /// Notes that the findings of an owner went from `old` to `new`.
    pub fn findings(&mut self, old: &[Finding], new: &[Finding]) {
        for finding in old {
            let key = (finding.kind, finding.subject.clone());
            self.findings.entry(key).or_insert_with(|| (Some(finding.clone()), None)).1 = None;
        }
        for finding in new {
            self.findings.entry((finding.kind, finding.subject.clone())).or_insert((None, None)).1 = Some(finding.clone());
        }
    }

    /// The facts that are different now.
    pub fn changed_facts(&mut self, position: i64, known_at: i64) -> Vec<FactChange> {
        let facts = std::mem::take(&mut self.facts).into_iter().filter(|(_, (old, new))| old != new);
        facts.map(|((_, key), (old, new))| FactChange { key, position, known_at, old, new }).collect()
    }

    /// The findings that are different now: the newest form, and whether it still holds.
    pub fn changed_findings(&mut self) -> Vec<(Finding, bool)> {
        let findings = std::mem::take(&mut self.findings).into_values().filter(|(old, new)| old != new);
        findings.filter_map(|(old, new)| new.map(|new| (new, true)).or_else(|| Some((old?, false)))).collect()
    }
}
