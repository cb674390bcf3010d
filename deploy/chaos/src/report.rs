//! The table at the end, and what is counted on the way.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tidemark_stage::Target;

use crate::{compare::Compared, watch::Recovery};

/// Of what went wrong, in full.
const PROBLEMS_SHOWN: usize = 20;

/// Counts of what was done and seen.
#[derive(Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

#[derive(Default, Clone)]
pub struct Counts {
    pub kills: BTreeMap<&'static str, usize>,
    pub stops: BTreeMap<&'static str, usize>,
    pub ended_by_themselves: BTreeMap<&'static str, usize>,
    pub state_losses: usize,
    pub reads_checked: usize,
    pub wrong_reads: usize,
    pub unanswered: usize,
    pub problems: Vec<String>,
}

impl Tally {
    pub fn killed(&self, target: Target) {
        *self.counts().kills.entry(target.name()).or_default() += 1;
    }

    pub fn stopped(&self, target: Target) {
        *self.counts().stops.entry(target.name()).or_default() += 1;
    }

    pub fn state_lost(&self) {
        self.counts().state_losses += 1;
    }

    pub fn ended_by_itself(&self, target: Target, how: String) {
        let mut counts = self.counts();
        *counts.ended_by_themselves.entry(target.name()).or_default() += 1;
        counts.problems.push(how);
    }

    pub fn read_checked(&self, is_wrong: bool) {
        let mut counts = self.counts();
        counts.reads_checked += 1;
        counts.wrong_reads += usize::from(is_wrong);
    }

    pub fn unanswered(&self) {
        self.counts().unanswered += 1;
    }

    pub fn problem(&self, problem: String) {
        self.counts().problems.push(problem);
    }

    pub fn now(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that a campaign found.
pub struct Report {
    pub seed: u64,
    pub minutes: f64,
    pub counts: Counts,
    pub rebalances: usize,
    pub acked: u64,
    pub retries: u64,
    pub in_log: i64,
    pub duplicates: u64,
    pub lost: u64,
    pub never_sent: u64,
    pub backwards: Vec<String>,
    pub compared: Compared,
    pub late_s_max: f64,
    pub caught_up_s: f64,
    pub recoveries: Vec<Recovery>,
}

impl Report {
    /// Whether no number was wrong and nothing was lost, ever.
    pub fn is_right(&self) -> bool {
        let Compared { wrong_cells, wrong_facts, wrong_events, .. } = self.compared;
        let wrong = self.counts.wrong_reads + self.backwards.len() + wrong_cells + wrong_facts + wrong_events;
        wrong == 0 && self.lost == 0 && self.never_sent == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { kills, stops, ended_by_themselves, problems, .. } = &self.counts;
        for problem in problems.iter().chain(&self.backwards).take(PROBLEMS_SHOWN) {
            writeln!(f, "! {problem}")?;
        }
        let mut row = |what: &str, value: String| writeln!(f, "| {what:<44} | {value:<62} |");
        row("seed", self.seed.to_string())?;
        row("minutes", format!("{:.1}", self.minutes))?;
        row("kill -9", by_kind(kills))?;
        row("SIGSTOP, SIGCONT", by_kind(stops))?;
        row("ended by themselves, started again", by_kind(ended_by_themselves))?;
        row("rebalances completed", self.rebalances.to_string())?;
        row("projector states deleted", self.counts.state_losses.to_string())?;
        row("events acknowledged", format!("{} ({} bodies sent again)", self.acked, self.retries))?;
        row("records in the log", format!("{} ({} again by a retry)", self.in_log, self.duplicates))?;
        row("acknowledged and lost", self.lost.to_string())?;
        row("in the log and never sent", self.never_sent.to_string())?;
        row("reads checked at their position", format!("{} ({} unanswered)", self.counts.reads_checked, self.counts.unanswered))?;
        row("wrong reads", self.counts.wrong_reads.to_string())?;
        row("positions that went back", self.backwards.len().to_string())?;
        let compared = &self.compared;
        row("wrong cells at the end", format!("{} of {}", compared.wrong_cells, compared.cells))?;
        row("wrong facts at the end", format!("{} of {}", compared.wrong_facts, compared.facts))?;
        row("wrong event rows at the end", format!("{} of {}", compared.wrong_events, compared.events))?;
        row("longest that an event was in no answer", format!("{:.1} s", self.late_s_max))?;
        row("from the last blow until all was in", format!("{:.1} s", self.caught_up_s))?;
        for Recovery { target, median_s, longest_s } in &self.recoveries {
            let value = format!("median {median_s:.1} s, longest {longest_s:.1} s");
            row(&format!("until new events were in all answers: {target}"), value)?;
        }
        Ok(())
    }
}

fn by_kind(counts: &BTreeMap<&'static str, usize>) -> String {
    let kinds: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let all: usize = counts.values().sum();
    if kinds.is_empty() { all.to_string() } else { format!("{all}: {}", kinds.join(", ")) }
}
