//! A projector stops, its local state is deleted, and it starts again: it restores the snapshot of its stop and reads only
//! what came since.

use std::{
    ffi::OsStr,
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::stack::Stack;

/// Visits before the stop, and after it.
const BEFORE: usize = 300;
const AFTER: usize = 20;
/// For hanging, not for a busy machine.
const COMMITTED_WITHIN: Duration = Duration::from_secs(30);

fn visits(from: usize, count: usize) -> Value {
    let visit = |number: usize| {
        json!({
            "type": "visit.completed", "event_id": format!("V-{number}"), "rep_id": format!("R-{}", number % 3), "account_id": "A-1",
            "occurred_at": "2026-03-05T10:00:00+08:00", "data": { "visit_id": format!("V-{number}"), "purpose": "demo" },
        })
    };
    (from..from + count).map(visit).collect::<Vec<_>>().into()
}

/// Waits until the projector has committed so many records since its start, and no more.
async fn committed(stack: &Stack, records: usize) {
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let expected = records as f64;
    let deadline = Instant::now() + COMMITTED_WITHIN;
    loop {
        let committed = stack.metric("tidemark_projector_events_total").await;
        assert!(committed < expected + 0.5, "{committed} records were read instead of {records}");
        if committed > expected - 0.5 {
            return;
        }
        assert!(Instant::now() < deadline, "{committed} of {records} records are committed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projector_without_its_state_restores_the_snapshot_of_its_stop() {
    let mut stack = Stack::start();
    let position = stack.post(&visits(0, BEFORE)).await;
    stack.get(&format!("/v1/kpis/visits?after={position}")).await;
    // Readers see a batch before it is part of the state, and a stop in between gives it up.
    committed(&stack, BEFORE).await;
    stack.interrupt();
    let log = stack.state().join("up.log");
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains(&format!("position={BEFORE}")) && said.contains("snapshot "), "{said}");

    fs::remove_dir_all(stack.state().join("projector")).unwrap();
    fs::write(&log, "").unwrap();
    stack.start_again();
    let position = stack.post(&visits(BEFORE, AFTER)).await;
    let answer = stack.get(&format!("/v1/kpis/visits?from=2026-03-01&to=2026-03-31&grain=month&by=rep&after={position}")).await;
    let visits: Vec<&str> = answer["rows"].as_array().unwrap().iter().map(|row| row["value"].as_str().unwrap()).collect();
    assert_eq!(visits, ["107", "107", "106"], "{answer:#}");
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains(&format!("restored: the log is read from position {BEFORE} on")), "{said}");
    committed(&stack, AFTER).await;
    let verified = stack.run(&[OsStr::new("verify")]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains(&format!("{} events folded", BEFORE + AFTER)), "{said}");
}
