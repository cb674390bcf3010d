//! Definitions change while numbers are served: what is added is measured, what is changed waits for a rebuild, and whoever
//! asks meanwhile gets the old number or the new one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stack::{KEY, Stack};

const CALLS: &str = r#"title  = { en = "Long calls", zh = "长通话" }
about  = "Calls of a length."
unit   = "count"
better = "higher"
from   = "calls"
where  = "duration_s >= 600"
day    = "occurred_on"
rep    = "rep_id"
value  = "count(*)"
"#;
const SENT: i64 = 300;
/// From a start to its first heartbeat, session time-outs of Kafka included.
const HEARD_WITHIN: Duration = Duration::from_secs(90);

/// A stack with a directory of KPI files of its own.
struct World {
    stack: Stack,
    directory: TempDir,
    settings: &'static str,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = directory.path().join("settings");
        // The bound of an answer is what dropping a generation waits for.
        let kpis = directory.path().display().to_string();
        fs::write(&settings, format!("kpis = {kpis:?}\n[query]\ntime_ms_max = 10000\n")).unwrap();
        fs::write(directory.path().join("long_calls.toml"), CALLS).unwrap();
        // Flags live as long as the test binary.
        let settings: &'static str = settings.display().to_string().leak();
        Self { stack: Stack::start_with(&["--config", settings]), directory, settings }
    }

    /// What `tidemark` with these arguments says, which must succeed.
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it says when it must not.
    fn refuses(&self, arguments: &[&str], reason: &str) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(reason), "{arguments:?}: {said}");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let arguments = [arguments, &["--config", self.settings]].concat();
        self.stack.run(&arguments.iter().map(OsStr::new).collect::<Vec<_>>())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.toml"))
    }

    async fn value(&self, kpi: &str) -> Value {
        self.stack.get(&format!("/v1/kpis/{kpi}?grain=all")).await["rows"][0]["value"].clone()
    }
}

/// Calls of 1 to [`SENT`] times four seconds: every second of them counts from 600 on.
fn calls() -> Value {
    let call = |n: i64| json!({ "type": "call.completed", "event_id": format!("C-{n}"), "rep_id": "R-1", "occurred_at": "2026-03-05", "data": { "call_id": format!("C-{n}"), "duration_s": n * 4 } });
    (1..=SENT).map(call).collect()
}

#[tokio::test]
async fn a_changed_file_is_noticed_and_a_new_one_is_measured() {
    let mut world = World::new();
    let position = world.stack.post(&calls()).await;
    let path = format!("/v1/kpis/long_calls?grain=all&after={position}");
    assert_eq!(world.stack.get(&path).await["rows"][0]["value"], "151");

    world.stack.interrupt();
    fs::write(world.file("long_calls"), CALLS.replace("600", "800")).unwrap();
    fs::write(world.file("short_calls"), CALLS.replace(">= 600", "< 600")).unwrap();
    world.stack.start_again();
    // Answers 503 until it is measured, which `get` waits for; then it is right.
    assert_eq!(world.value("short_calls").await, "149");
    assert_eq!(world.value("long_calls").await, "151", "the number goes on as it was made");
    let freshness = world.stack.get("/v1/freshness").await;
    assert_eq!(freshness["redefined"], json!(["long_calls"]), "{freshness}");
    assert!(log(world.stack.state()).contains("the KPI long_calls is defined otherwise"));
    let more = world.stack.post(&json!([{ "type": "call.completed", "event_id": "C-more", "occurred_at": "2026-03-05", "data": { "call_id": "C-more", "duration_s": 1 } }])).await;
    let short = world.stack.get(&format!("/v1/kpis/short_calls?grain=all&after={more}")).await;
    assert_eq!(short["rows"][0]["value"], "150");

    // Put back as it was: nothing is to be said any more.
    world.stack.interrupt();
    fs::write(world.file("long_calls"), CALLS).unwrap();
    world.stack.start_again();
    // What the process before said holds until the first heartbeat of this one.
    let deadline = Instant::now() + HEARD_WITHIN;
    while !world.stack.get("/v1/freshness").await["redefined"].is_null() {
        assert!(Instant::now() < deadline, "the file is as it was, and is still said to be another");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_shows_the_difference_and_is_swapped_under_query_load() {
    let world = World::new();
    let position = world.stack.post(&calls()).await;
    let path = format!("/v1/kpis/long_calls?grain=all&after={position}");
    assert_eq!(world.stack.get(&path).await["rows"][0]["value"], "151");
    world.refuses(&["rebuild", "--swap"], "no generation is being built");
    assert!(world.succeeds(&["rebuild", "--abort"]).contains("no generation is being built"));

    fs::write(world.file("long_calls"), CALLS.replace("600", "800")).unwrap();
    fs::write(world.file("short_calls"), CALLS.replace(">= 600", "< 600")).unwrap();
    let said = world.succeeds(&["rebuild"]);
    let line = |kpi: &str| {
        said.lines().find(|line| line.trim().starts_with(kpi)).unwrap_or_else(|| panic!("no {kpi}: {said}")).to_owned()
    };
    assert!(line("long_calls").contains("changed") && line("long_calls").contains("151 → 101"), "{said}");
    assert!(line("short_calls").contains("new") && line("short_calls").contains("0 → 149"), "{said}");
    assert!(said.contains(&format!("both at {position}")) && !said.contains("  calls "), "{said}");
    assert_eq!(world.value("long_calls").await, "151", "the live one goes on");
    world.refuses(&["generations", "drop", "1", "--yes"], "generation 1 is live");

    fs::write(world.file("long_calls"), CALLS.replace("600", "900")).unwrap();
    world.refuses(&["rebuild", "--swap"], "with other definitions");
    fs::write(world.file("long_calls"), CALLS.replace("600", "800")).unwrap();

    let seen = swapped_under_load(&world).await;
    assert_eq!(seen, ["151", "101"], "the old number, then the new one, and never anything else");
    // The running projector goes on with the new generation by itself.
    let more = world.stack.post(&json!([{ "type": "call.completed", "event_id": "C-more", "occurred_at": "2026-03-05", "data": { "call_id": "C-more", "duration_s": 900 } }])).await;
    let answer = world.stack.get(&format!("/v1/kpis/long_calls?grain=all&after={more}")).await;
    assert_eq!((&answer["rows"][0]["value"], &answer["trust"]["generation"]), (&json!("102"), &json!(2)), "{answer}");
    assert_eq!(answer["trust"]["redefined"], Value::Null);

    assert!(world.succeeds(&["generations", "list"]).contains("retired"));
    world.refuses(&["generations", "drop", "1"], "nothing was dropped");
    world.succeeds(&["generations", "drop", "1", "--yes"]);
    assert_eq!(listed(&world), ["2 live"]);
    assert!(!world.stack.state().join("projector/generation-1").exists());
    world.refuses(&["generations", "drop", "7", "--yes"], "there is no generation 7");

    fs::write(world.file("long_calls"), CALLS.replace("600", "900")).unwrap();
    world.succeeds(&["rebuild", "--events-per-second", "5000"]);
    assert_eq!(listed(&world), ["2 live", "3 building"]);
    assert!(world.succeeds(&["rebuild", "--abort"]).contains("generation 3 is given up"));
    assert_eq!(listed(&world), ["2 live"]);
    assert_eq!(world.value("long_calls").await, "102");
}

/// Number and status of every generation.
fn listed(world: &World) -> Vec<String> {
    let said = world.succeeds(&["generations", "list"]);
    said.lines().skip(1).map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// Swaps while somebody asks all the time; every answer that is not the one before it.
async fn swapped_under_load(world: &World) -> Vec<String> {
    let done = Arc::new(AtomicBool::new(false));
    let (url, stop) = (format!("{}/v1/kpis/long_calls?grain=all", world.stack.query()), done.clone());
    let asking = tokio::spawn(async move {
        let (client, mut seen) = (reqwest::Client::new(), Vec::<String>::new());
        loop {
            // Read before the question, so that one is asked after the swap.
            let is_last = stop.load(Ordering::Acquire);
            let answer = client.get(&url).bearer_auth(KEY).send().await.unwrap();
            let text = format!("{}", answer.json::<Value>().await.unwrap()["rows"][0]["value"]).replace('"', "");
            if seen.last() != Some(&text) {
                seen.push(text);
            }
            if is_last {
                return seen;
            }
        }
    });
    let said = tokio::task::block_in_place(|| world.succeeds(&["rebuild", "--swap"]));
    assert!(said.contains("generation 2 is live"), "{said}");
    done.store(true, Ordering::Release);
    asking.await.unwrap()
}

fn log(state: &Path) -> String {
    fs::read_to_string(state.join("up.log")).unwrap()
}
