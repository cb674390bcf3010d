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

use crate::kpi_files::LONG_CALLS;
use crate::stack::{KEY, Stack};

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
        fs::write(directory.path().join("long_calls.toml"), LONG_CALLS).unwrap();
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
    (1..=SENT).map(|n| call(&format!("C-{n}"), n * 4)).collect()
}

fn call(id: &str, duration_s: i64) -> Value {
    json!({ "type": "call.completed", "event_id": id, "rep_id": "R-1", "occurred_at": "2026-03-05", "data": { "call_id": id, "duration_s": duration_s } })
}

#[tokio::test]
async fn a_changed_file_is_noticed_and_a_new_one_is_measured() {
    let mut world = World::new();
    let position = world.stack.post(&calls()).await;
    let path = format!("/v1/kpis/long_calls?grain=all&after={position}");
    assert_eq!(world.stack.get(&path).await["rows"][0]["value"], "151");

    let globex = ["tenant", "add", "globex", "--key", "globex", "--time-zone", "Europe/Berlin", "--currency", "EUR"];
    world.succeeds(&globex);
    world.stack.interrupt();
    fs::write(world.file("long_calls"), LONG_CALLS.replace("600", "800")).unwrap();
    fs::write(world.file("short_calls"), LONG_CALLS.replace(">= 600", "< 600")).unwrap();
    world.stack.start_again();
    // Answers 503 until it is measured, which `get` waits for; then it is right.
    assert_eq!(world.value("short_calls").await, "149");
    assert_eq!(world.value("long_calls").await, "151", "the number goes on as it was made");
    let freshness = world.stack.get("/v1/freshness").await;
    assert_eq!(freshness["redefined"], json!(["long_calls"]), "{freshness}");
    assert!(log(world.stack.state()).contains("the KPI long_calls is defined otherwise"));
    let more = world.stack.post(&json!([call("C-more", 1)])).await;
    let short = world.stack.get(&format!("/v1/kpis/short_calls?grain=all&after={more}")).await;
    assert_eq!(short["rows"][0]["value"], "150");

    // A tenant's settings make its numbers as a definition does.
    world.stack.interrupt();
    let settings = world.stack.state().join("tenants.toml");
    let before = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, before.replace("Europe/Berlin", "Asia/Tokyo")).unwrap();
    fs::write(world.file("long_calls"), LONG_CALLS).unwrap();
    world.stack.start_again();
    redefined(&world, &json!(["tenant globex"])).await;
    assert!(log(world.stack.state()).contains("tenant globex: its time zone was Europe/Berlin and is Asia/Tokyo now"));

    // Verified with what the numbers are made with, not with what the files have.
    world.succeeds(&["verify"]);
    // Put back as it was: nothing is to be said any more.
    world.stack.interrupt();
    fs::write(&settings, before).unwrap();
    world.stack.start_again();
    redefined(&world, &Value::Null).await;
}

/// What the files have otherwise; what the process before said holds until the first heartbeat of the one that runs.
async fn redefined(world: &World, expected: &Value) {
    let deadline = Instant::now() + HEARD_WITHIN;
    loop {
        let freshness = world.stack.get("/v1/freshness").await;
        if freshness["redefined"] == *expected {
            return;
        }
        assert!(Instant::now() < deadline, "{expected}: {freshness}");
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

    fs::write(world.file("long_calls"), LONG_CALLS.replace("600", "800")).unwrap();
    fs::write(world.file("short_calls"), LONG_CALLS.replace(">= 600", "< 600")).unwrap();
    let said = world.succeeds(&["rebuild"]);
    let line = |kpi: &str| {
        said.lines().find(|line| line.trim().starts_with(kpi)).unwrap_or_else(|| panic!("no {kpi}: {said}")).to_owned()
    };
    assert!(line("long_calls").contains("changed") && line("long_calls").contains("151 → 101"), "{said}");
    assert!(line("short_calls").contains("new") && line("short_calls").contains("0 → 149"), "{said}");
    assert!(said.contains(&format!("both at {position}")) && !said.contains("  calls "), "{said}");
    assert_eq!(world.value("long_calls").await, "151", "the live one goes on");
    world.refuses(&["generations", "drop", "1", "--yes"], "generation 1 is live");

    fs::write(world.file("long_calls"), LONG_CALLS.replace("600", "900")).unwrap();
    world.refuses(&["rebuild", "--swap"], "with other definitions");
    fs::write(world.file("long_calls"), LONG_CALLS.replace("600", "800")).unwrap();

    // Far behind, nobody has seen what would become live; then it follows, and the live one is fresh meanwhile.
    for n in 0..12 {
        world.stack.post(&(0..1_000).map(|m| call(&format!("S-{n}-{m}"), 1)).collect()).await;
    }
    let position = world.stack.post(&json!([call("S", 1)])).await;
    world.stack.get(&format!("/v1/kpis/long_calls?grain=all&after={position}")).await;
    world.refuses(&["rebuild", "--swap"], "12001 events behind the live one");
    fresh_while_it_follows(&world).await;

    let seen = swapped_under_load(&world).await;
    let (old, new) = (json!(["151", 1]), json!(["101", 2]));
    assert_eq!(seen, [old, new], "the old number and generation, then the new ones, and never anything else");
    // The running projector goes on with the new generation by itself.
    let more = world.stack.post(&json!([call("C-more", 900)])).await;
    let answer = world.stack.get(&format!("/v1/kpis/long_calls?grain=all&after={more}")).await;
    assert_eq!((&answer["rows"][0]["value"], &answer["trust"]["generation"]), (&json!("102"), &json!(2)), "{answer}");
    assert_eq!(answer["trust"]["redefined"], Value::Null);

    assert!(world.succeeds(&["generations", "list"]).contains("retired"));
    world.refuses(&["generations", "drop", "1"], "nothing was dropped");
    world.succeeds(&["generations", "drop", "1", "--yes"]);
    assert_eq!(listed(&world), ["2 live"]);
    assert!(!world.stack.state().join("projector/generation-1").exists());
    world.refuses(&["generations", "drop", "7", "--yes"], "there is no generation 7");

    fs::write(world.file("long_calls"), LONG_CALLS.replace("600", "900")).unwrap();
    world.succeeds(&["rebuild", "--events-per-second", "5000"]);
    assert_eq!(listed(&world), ["2 live", "3 building"]);
    assert!(world.succeeds(&["rebuild", "--abort"]).contains("generation 3 is given up"));
    assert_eq!(listed(&world), ["2 live"]);
    assert_eq!(world.value("long_calls").await, "102");
    world.succeeds(&["verify"]);
}

/// Follows the log slowly while events come in and are asked for.
async fn fresh_while_it_follows(world: &World) {
    let rebuild = || world.succeeds(&["rebuild", "--events-per-second", "2000"]);
    let asked = async {
        let mut answers = 0;
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(5) {
            let position = world.stack.post(&json!([call(&format!("F-{answers}"), 1)])).await;
            let answer = world.stack.get(&format!("/v1/kpis/long_calls?grain=all&after={position}")).await;
            assert_eq!((&answer["rows"][0]["value"], &answer["trust"]["generation"]), (&json!("151"), &json!(1)), "{answer}");
            answers += 1;
        }
        answers
    };
    let (said, answers) = std::thread::scope(|scope| {
        let rebuilding = scope.spawn(rebuild);
        let answers = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asked));
        (rebuilding.join().unwrap(), answers)
    });
    assert!(answers > 1 && said.contains("151 → 101"), "{answers}: {said}");
}

/// Number and status of every generation.
fn listed(world: &World) -> Vec<String> {
    let said = world.succeeds(&["generations", "list"]);
    said.lines().skip(1).map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// Swaps while somebody asks all the time; value and generation of every answer that is not as the one before it.
async fn swapped_under_load(world: &World) -> Vec<Value> {
    let done = Arc::new(AtomicBool::new(false));
    let (url, stop) = (format!("{}/v1/kpis/long_calls?grain=all", world.stack.query()), done.clone());
    let asking = tokio::spawn(async move {
        let (client, mut seen) = (reqwest::Client::new(), Vec::<Value>::new());
        loop {
            // Read before the question, so that one is asked after the swap.
            let is_last = stop.load(Ordering::Acquire);
            let answer = client.get(&url).bearer_auth(KEY).send().await.unwrap();
            let answer = answer.json::<Value>().await.unwrap();
            let answered = json!([answer["rows"][0]["value"], answer["trust"]["generation"]]);
            if seen.last() != Some(&answered) {
                seen.push(answered);
            }
            if is_last {
                return seen;
            }
        }
    });
    let swapped = tokio::task::block_in_place(|| world.run(&["rebuild", "--swap"]));
    let [said, stages] = [swapped.stdout, swapped.stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(swapped.status.success(), "{stages}");
    for stage in ["opening its state", "waiting until Kafka", "reading what it lacks", "closing its state"] {
        assert!(stages.contains(stage), "what it does is said: {stages}");
    }
    assert!(said.contains("generation 2 is live"), "{said}");
    done.store(true, Ordering::Release);
    asking.await.unwrap()
}

fn log(state: &Path) -> String {
    fs::read_to_string(state.join("up.log")).unwrap()
}
