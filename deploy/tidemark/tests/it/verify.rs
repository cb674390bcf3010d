//! `tidemark verify`: clean while events flow, and after somebody wrote into ClickHouse by hand it names what.

use std::ffi::OsStr;
use std::process::{Output, Stdio};

use crate::stack::{KEY, Stack, tidemark};

/// Sent over some seconds, so that several verifications see numbers that move.
const EVENTS: &str = "2400";
const EVENTS_A_SECOND: &str = "120";

fn verify(stack: &Stack, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments: Vec<&OsStr> = std::iter::once("verify").chain(arguments.iter().copied()).map(OsStr::new).collect();
    let Output { status, stdout, stderr } = stack.run(&arguments);
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8_lossy(&stderr))
}

/// Of `demo at 3-1042: 17 events folded, …`.
fn folded(said: &str) -> u64 {
    let line = said.lines().find(|line| line.contains(" events folded, ")).unwrap_or_else(|| panic!("{said}"));
    line.split(' ').nth(3).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clean_while_events_flow_and_then_names_what_was_changed_by_hand() {
    let stack = Stack::start();
    assert_eq!(verify(&stack, &[]), (Some(0), "demo: no numbers yet\nno difference\n".to_owned()));
    let mut simulate = tidemark();
    simulate.args(["simulate", "--url", &stack.ingest(), "--key", KEY, "--events", EVENTS, "--rate", EVENTS_A_SECOND]);
    let mut simulate = simulate.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut seen = Vec::new();
    while simulate.try_wait().unwrap().is_none() {
        let (code, said) = verify(&stack, &[]);
        assert_eq!(code, Some(0), "{said}");
        if !said.contains("no numbers yet") {
            seen.push(folded(&said));
        }
    }
    assert!(simulate.wait().unwrap().success());
    seen.dedup();
    assert!(seen.len() > 1, "the verifications were meant to see the numbers move, not {seen:?}");
    stack.get(&format!("/v1/kpis/visits?after={}", stack.post(&visit()).await)).await;
    let (code, said) = verify(&stack, &["--sample", "20%"]);
    assert_eq!((code, folded(&said)), (Some(0), EVENTS.parse::<u64>().unwrap() + 1), "{said}");

    let cell = "WHERE kpi = 'visits' AND row_kind = 'cell' AND rep_id = 'R-verify'";
    stack
        .clickhouse(&format!(
            "INSERT INTO kpi_cells SELECT * REPLACE (s0 + 1 AS s0, version + 1 AS version) FROM kpi_cells FINAL {cell}"
        ))
        .await;
    stack.clickhouse("ALTER TABLE touches DELETE WHERE touch_id = 'V-verify' SETTINGS mutations_sync = 2").await;
    let (code, said) = verify(&stack, &[]);
    assert_eq!(code, Some(1), "{said}");
    let changed = "kpi_cells visits/2026-03-05/R-verify: ClickHouse has facts=1 s0=2 (version ";
    assert!(said.contains(changed) && said.contains(", the model has facts=1 s0=1\n"), "{said}");
    let removed = "touches visit/V-verify: ClickHouse has no row, the model has {";
    assert!(said.contains(removed), "{said}");
    assert!(said.ends_with("2 rows differ\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_event_made_are_named_and_what_was_not_asked_for_is_left_out() {
    let stack = Stack::start();
    stack.get(&format!("/v1/kpis/visits?after={}", stack.post(&visit()).await)).await;
    // A deletion and a copy from far beyond the log, which no later event could undo; and a verdict.
    stack.clickhouse("INSERT INTO visits SELECT * REPLACE (1000000 AS version, 1 AS is_deleted) FROM visits FINAL").await;
    stack.clickhouse("INSERT INTO touches SELECT * REPLACE (1000000 AS version) FROM touches FINAL").await;
    stack.clickhouse("INSERT INTO events SELECT * REPLACE ('duplicate' AS verdict) FROM events FINAL").await;
    let (code, said) = verify(&stack, &[]);
    assert_eq!(code, Some(1), "{said}");
    for expected in [
        "visits V-verify: ClickHouse has no row, the model has {",
        "(version 1000000), the model has {",
        "events 0: ClickHouse has verdict duplicate (version 0), the model has verdict admitted",
        "3 rows differ",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let (code, said) = verify(&stack, &["--limit", "1"]);
    assert!(code == Some(1) && said.contains("2 more differ") && said.lines().count() == 4, "{said}");
    let (code, said) = verify(&stack, &["--kpi", "won_amount"]);
    assert!(code == Some(1) && said.ends_with("1 rows differ\n"), "{said}");
    for (arguments, reason) in [
        (["--tenant", "acme"], "there is no tenant \"acme\""),
        (["--kpi", "wins"], "there is no KPI \"wins\""),
        (["--sample", "x"], "is no sample"),
    ] {
        let (code, said) = verify(&stack, &arguments);
        assert!(code == Some(2) && said.contains(reason), "{code:?} {said}");
    }
}

fn visit() -> serde_json::Value {
    serde_json::json!({
        "type": "visit.completed", "event_id": "verify", "rep_id": "R-verify", "account_id": "A-verify",
        "occurred_at": "2026-03-05T10:00:00+08:00", "data": { "visit_id": "V-verify", "mode": "onsite" },
    })
}
