//! KPI files of one's own: answered like the shipped ones, refused at start with file, line and reason.

use std::ffi::OsStr;

use serde_json::json;

use crate::stack::Stack;

pub const LONG_CALLS: &str = r#"title  = { en = "Long calls", zh = "长通话" }
about  = "Calls of ten minutes and more."
unit   = "count"
better = "higher"
from   = "calls"
where  = "duration_s >= 600"
day    = "occurred_on"
rep    = "rep_id"
value  = "count(*)"
"#;

#[tokio::test]
async fn a_kpi_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("long_calls.toml");
    std::fs::write(&file, LONG_CALLS).unwrap();
    let settings = directory.path().join("tidemark.toml.settings");
    std::fs::write(&settings, format!("kpis = {:?}\n", directory.path().display().to_string())).unwrap();
    // Flags live as long as the test binary.
    let settings: &'static str = settings.display().to_string().leak();
    let mut stack = Stack::start_with(&["--config", settings]);
    let call = |id: &str, duration_s: i64| json!({ "type": "call.completed", "event_id": id, "rep_id": "R-1", "occurred_at": "2026-03-05", "data": { "call_id": id, "duration_s": duration_s } });
    let position = stack.post(&json!([call("C-1", 599), call("C-2", 600), call("C-3", 4000)])).await;
    let answer = stack.get(&format!("/v1/kpis/long_calls?grain=all&after={position}")).await;
    assert_eq!(answer["rows"][0]["value"], "2");

    stack.interrupt();
    std::fs::write(&file, LONG_CALLS.replace("duration_s", "duration")).unwrap();
    refused(&stack, settings, "kpis/long_calls.toml:6: where:");

    std::fs::write(&file, LONG_CALLS).unwrap();
    stack.start_again();
    assert_eq!(stack.get("/v1/kpis/long_calls?grain=all").await["rows"][0]["value"], "2");
}

/// A start that must not succeed: what it says.
fn refused(stack: &Stack, settings: &str, reason: &str) {
    let output = stack.run(&["up", "--config", settings].map(OsStr::new));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(reason), "{said}");
}
