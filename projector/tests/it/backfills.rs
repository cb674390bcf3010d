//! A KPI that is added in the middle of a history has, wherever the process dies meanwhile, the cells that it would have had
//! if it had been there from the beginning; and nobody can read it before.

use futures::executor::block_on;
use proptest::prelude::*;
use tidemark_projector::{
    pipeline::{BackfillStep, Partition},
    sink::{MemorySink, Sink, write},
    state::Memory,
};
use tidemark_verify::generate;

use crate::organisation::{Organisation, log, project};

/// KPIs of every kind of fact that is kept in its own way, with sums, distinct counts, medians and percentiles.
const ADDED: [&str; 6] =
    ["win_rate", "accounts_visited", "follow_up_gap", "customer_lifetime_value", "sales_cycle_p90", "stage_days"];

fn before() -> &'static Organisation {
    static BEFORE: std::sync::LazyLock<Organisation> =
        std::sync::LazyLock::new(|| Organisation::with(|kpi| !ADDED.contains(&kpi)));
    &BEFORE
}

fn after() -> &'static Organisation {
    static AFTER: std::sync::LazyLock<Organisation> = std::sync::LazyLock::new(Organisation::new);
    &AFTER
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_a_run_with_the_kpi_from_the_beginning(seed in any::<u64>(), events in 2..200_usize, share in 1..100_usize, crashes in prop::collection::vec(0..3_u8, 12)) {
        let history = log(&generate::history(seed, events));
        let (early, late) = history.split_at((events * share / 100).max(1));
        let sink = MemorySink::default();
        let mut partition = before().open(Memory::default());
        project(&mut partition, &sink, early, &[7], |_| None);
        let mut partition = added(partition.into_state(), &sink, &crashes);
        prop_assert_eq!(sink.tables().watermark(0).unwrap().to, early.len() as i64 - 1);
        check(&history[..early.len()], &sink)?;
        project(&mut partition, &sink, &history, &[5], |_| None);
        prop_assert!(late.is_empty() || partition.mark().next_offset == history.len() as i64);
        check(&history, &sink)?;
    }

    /// What the KPI's cells held before it was added stands nowhere, so that nothing would win over it.
    #[test]
    fn readers_see_nothing_of_a_state_that_is_behind_them(seed in any::<u64>(), events in 2..120_usize, share in 1..100_usize) {
        let history = log(&generate::history(seed, events));
        let early = &history[..(events * share / 100).max(1)];
        let sink = MemorySink::default();
        let mut partition = before().open(Memory::default());
        project(&mut partition, &sink, early, &[7], |_| None);
        added(partition.into_state(), &sink, &[]);
        let mut partition = after().open(Memory::default());
        partition.show(sink.newest_watermark(0).as_ref(), &ADDED.map(str::to_owned)).unwrap();
        for records in 1..=early.len() {
            project(&mut partition, &sink, &early[..records], &[1], |_| None);
            check(early, &sink)?;
        }
        let mut partition = added(partition.into_state(), &sink, &[]);
        check(early, &sink)?;
        project(&mut partition, &sink, &history, &[5], |_| None);
        check(&history, &sink)?;
    }
}

/// Opens the state with more KPIs and measures them, dying where it is said: before the rows are written or before the commit.
fn added(mut state: Memory, sink: &MemorySink, crashes: &[u8]) -> Partition<Memory> {
    let mut crashes = crashes.iter();
    loop {
        let mut partition = after().open(state);
        partition.show(sink.newest_watermark(0).as_ref(), &[]).unwrap();
        while let Some(step) = partition.backfill().unwrap() {
            let crash = crashes.next().copied();
            if crash == Some(1) {
                break;
            }
            block_on(write_step(sink, &step));
            if crash == Some(2) {
                break;
            }
            partition.commit_backfill(step).unwrap();
        }
        if partition.backfill().unwrap().is_none() {
            return partition;
        }
        state = partition.into_state();
    }
}

async fn write_step(sink: &MemorySink, step: &BackfillStep) {
    assert!(step.percent < 100, "readers would be told too early");
    write(sink, &step.rows).await.unwrap();
    sink.announce(1, 0, &step.kpis, step.percent).await.unwrap();
}

/// What readers see equals what they would see if the KPIs had always been there.
fn check(history: &[tidemark_projector::pipeline::Record], sink: &MemorySink) -> Result<(), TestCaseError> {
    let expected = MemorySink::default();
    project(&mut after().open(Memory::default()), &expected, history, &[11], |_| None);
    let (expected, seen) = (expected.tables(), sink.tables());
    prop_assert_eq!(seen.cells(), expected.cells());
    prop_assert_eq!(seen.values(), expected.values());
    prop_assert_eq!(seen.findings(), expected.findings());
    prop_assert_eq!(seen.facts(), expected.facts());
    Ok(())
}

#[test]
fn a_new_state_needs_no_backfill_and_an_old_one_is_not_projected_without() {
    let history = log(&generate::history(3, 40));
    let sink = MemorySink::default();
    let mut partition = after().open(Memory::default());
    assert!(partition.backfill().unwrap().is_none());
    project(&mut partition, &sink, &history[..20], &[5], |_| None);
    let partition = after().open(partition.into_state());
    assert!(partition.backfill().unwrap().is_none() && partition.holds("win_rate") && !partition.holds("unheard_of"));

    let mut partition = before().open(Memory::default());
    project(&mut partition, &sink, &history[..20], &[5], |_| None);
    let mut partition = after().open(partition.into_state());
    // Before anybody has looked where readers are, nothing may be written for them.
    assert!(!partition.holds("win_rate") && partition.backfill().unwrap().is_none());
    let refused = partition.project(&history[20..], "log").map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("not measured yet"), "{refused}");
    // The log is read again from its beginning, with all KPIs.
    partition.clear().unwrap();
    assert!(partition.backfill().unwrap().is_none());
    project(&mut partition, &sink, &history, &[5], |_| None);
}
