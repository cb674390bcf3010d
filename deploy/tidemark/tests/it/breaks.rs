//! Servers that are silent and disks that are full, on purpose: what says so, that nothing acknowledged is lost, and that the
//! numbers are right once it is over, without anybody's help.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stack::{KEY, RECOVERED_WITHIN, Stack, status_field};

const FLAGS: [&str; 4] = ["--time-zone", "Asia/Shanghai", "--currency", "CNY"];
const MARCH: &str = "/v1/kpis/won_amount?from=2026-03-01&to=2026-03-31&grain=month";
/// Longer than Kafka's group waits for a sign of life.
const SILENT_FOR: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What a projector may keep while it waits: its queues, which these settings bound, and what it needs to run.
const GROWN_MIB_MAX: u64 = 192;

/// Small queues and short patience, so that what is bounded shows soon.
fn settings() -> Vec<(&'static str, String)> {
    [
        ("TIDEMARK_PROJECTOR__QUEUE_RECORDS_MAX", "500"),
        ("TIDEMARK_PROJECTOR__BATCH_RECORDS_MAX", "500"),
        ("TIDEMARK_PROJECTOR__WAITING_AFTER_MS", "1000"),
        ("TIDEMARK_INGEST__PUBLISH_TIMEOUT_MS", "2000"),
        ("TIDEMARK_QUERY__TIME_MS_MAX", "2000"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// Deals of 10 each, opened and won.
fn deals(first: u32, count: u32) -> Value {
    let event = |deal: u32, kind: &str, data: Value| {
        json!({ "type": format!("deal.{kind}"), "event_id": format!("D-{deal}:{kind}"), "rep_id": "R-1", "account_id": "A-1",
                "occurred_at": "2026-03-05T10:00:00+08:00", "data": data })
    };
    let both = |deal: u32| {
        let id = format!("D-{deal}");
        let opened = json!({ "deal_id": id, "kind": "new", "amount": "1", "currency": "CNY", "stage": "Prospecting" });
        [event(deal, "opened", opened), event(deal, "won", json!({ "deal_id": id, "amount": "10" }))]
    };
    (first..first + count).flat_map(both).collect()
}

/// The won amount of March once the write is in.
async fn march(stack: &Stack, position: &str) -> Value {
    stack.get(&format!("{MARCH}&after={position}")).await["rows"][0]["value"].clone()
}

async fn ask(url: &str) -> Response {
    Client::new().get(url).bearer_auth(KEY).send().await.unwrap()
}

/// Asks until the status is this one; the answer's text.
async fn until(url: &str, status: u16) -> String {
    let deadline = Instant::now() + RECOVERED_WITHIN;
    loop {
        let answer = ask(url).await;
        let found = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        if found == status {
            return text;
        }
        assert!(Instant::now() < deadline, "{url} goes on answering {found}: {text}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks until the answer is a 503 with these words, since on a busy machine another reason may come first.
async fn until_it_says(url: &str, words: &str) {
    let deadline = Instant::now() + RECOVERED_WITHIN;
    while let said = until(url, 503).await
        && !said.contains(words)
    {
        assert!(Instant::now() < deadline, "{url} does not say {words:?}: {said}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn verify(stack: &Stack) {
    let verified = stack.run(&[OsStr::new("verify")]);
    let said = [verified.stdout, verified.stderr].concat();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&said));
}

fn resident_mib(process: Pid) -> u64 {
    let resident = status_field(process.as_raw_nonzero().get(), "VmRSS").unwrap();
    resident.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

fn rebalances(stack: &Stack) -> usize {
    stack.said().matches("partitions come and go").count()
}

#[tokio::test]
async fn a_silent_engine_is_said_everywhere_and_waited_for() {
    let stack = Stack::start_as(&FLAGS, &settings());
    let position = stack.post(&deals(0, 10)).await;
    assert_eq!(march(&stack, &position).await, "100");
    until(&format!("{}/readyz", stack.projector()), 200).await;
    let (at_rest, joined, engine) = (resident_mib(stack.up()), rebalances(&stack), stack.server(" clickhouse "));

    kill_process(engine, Signal::STOP).unwrap();
    let stopped = Instant::now();
    let mut position = String::new();
    for round in 1..=6 {
        position = stack.post(&deals(round * 1_000, 1_000)).await;
    }
    until_it_says(&format!("{}/readyz", stack.projector()), "the batch is still under way").await;
    let freshness = until(&format!("{}/v1/freshness", stack.query()), 503).await;
    assert!(freshness.contains("\"clickhouse\""), "not that one should ask for less: {freshness}");
    until(&format!("{}/readyz", stack.query()), 503).await;
    let metrics = format!("{}/metrics", stack.projector());
    let behind = |text: &str| {
        let of = |line: &str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        let lines = text.lines().filter(|line| line.starts_with("tidemark_projector_behind_events"));
        lines.map(of).fold(0.0, f64::max)
    };
    while behind(&until(&metrics, 200).await) < 10_000.0 || stopped.elapsed() < SILENT_FOR {
        assert!(stopped.elapsed() < RECOVERED_WITHIN, "the metrics do not say how far it is behind");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let grown = resident_mib(stack.up()).saturating_sub(at_rest);

    kill_process(engine, Signal::CONT).unwrap();
    assert_eq!(march(&stack, &position).await, "60100");
    until(&format!("{}/readyz", stack.projector()), 200).await;
    assert_eq!(rebalances(&stack), joined, "it stayed in the group");
    assert!(grown < GROWN_MIB_MAX, "{grown} MiB");
    verify(&stack);
}

#[tokio::test]
async fn a_silent_kafka_is_a_503_and_what_was_acknowledged_stays() {
    let stack = Stack::start_as(&FLAGS, &settings());
    let position = stack.post(&deals(0, 10)).await;
    assert_eq!(march(&stack, &position).await, "100");
    let kafka = stack.server("kafka.Kafka");

    kill_process(kafka, Signal::STOP).unwrap();
    let post = async || {
        let post = Client::new().post(format!("{}/v1/events", stack.ingest())).bearer_auth(KEY);
        post.json(&deals(1_000, 10)).send().await.unwrap()
    };
    let refused = post().await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    assert!(refused.text().await.unwrap().contains("nothing was acknowledged, send the same again later"));
    until(&format!("{}/readyz", stack.ingest()), 503).await;
    until_it_says(&format!("{}/readyz", stack.projector()), "\"kafka\":\"Kafka did not answer").await;
    assert_eq!(march(&stack, &position).await, "100", "what is known is answered");

    kill_process(kafka, Signal::CONT).unwrap();
    let deadline = Instant::now() + RECOVERED_WITHIN;
    let position = loop {
        let answer = post().await;
        if answer.status().is_success() {
            break answer.json::<Value>().await.unwrap()["position"].as_str().unwrap().to_owned();
        }
        assert!(Instant::now() < deadline, "ingest does not recover");
    };
    assert_eq!(march(&stack, &position).await, "200", "sent twice or more, counted once");
    until(&format!("{}/readyz", stack.projector()), 200).await;
}

#[tokio::test]
async fn a_dropped_table_is_said_with_what_to_do_and_that_mends_it() {
    let mut stack = Stack::start_as(&FLAGS, &settings());
    let position = stack.post(&deals(0, 10)).await;
    assert_eq!(march(&stack, &position).await, "100");

    stack.clickhouse("DROP TABLE deals SYNC").await;
    let position = stack.post(&deals(1_000, 10)).await;
    until_it_says(&format!("{}/readyz", stack.projector()), "Drop the whole database, stop and start").await;

    stack.clickhouse("DROP DATABASE tidemark SYNC").await;
    stack.interrupt();
    stack.start_again();
    assert_eq!(march(&stack, &position).await, "200");
    verify(&stack);
}

/// A small disk of its own; gone when dropped, also under a server that is still at work.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and the reason said, where mounting is not permitted.
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        if mounted.as_ref().is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("skipped, a disk cannot be mounted here: {mounted:?}");
        None
    }

    /// Takes all the room that there is.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let (mut filler, chunk) = (fs::File::create(&path).unwrap(), vec![0; 1 << 16]);
        while filler.write_all(&chunk).is_ok() {}
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The test has failed or passed already.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_under_the_engine_is_said_and_waited_for() {
    let mut stack = Stack::prepare(&FLAGS);
    let Some(disk) = Disk::mount(&stack.state().join("clickhouse"), "96m") else { return };
    stack.set(&settings());
    stack.start_again();
    let position = stack.post(&deals(0, 10)).await;
    assert_eq!(march(&stack, &position).await, "100");

    let filler = disk.fill();
    let position = stack.post(&deals(1_000, 200)).await;
    until_it_says(&format!("{}/readyz", stack.projector()), "once there is room on its disk, it goes on by itself").await;

    fs::remove_file(filler).unwrap();
    assert_eq!(march(&stack, &position).await, "2100");
    verify(&stack);
}

#[tokio::test]
async fn a_full_disk_under_the_projectors_state_ends_it_with_what_to_do() {
    let mut stack = Stack::prepare(&[&FLAGS[..], &["--without", "projector"]].concat());
    let Some(disk) = Disk::mount(&stack.state().join("projector"), "16m") else { return };
    stack.set(&settings());
    stack.start_again();
    let filler = disk.fill();
    let position = stack.post(&deals(0, 500)).await;
    let refused = stack.run(&[OsStr::new("project")]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("make room on the disk of projector.state_dir"), "{said}");

    fs::remove_file(filler).unwrap();
    // What was begun on a full disk may be half a state, which the next start says.
    fs::remove_dir_all(stack.state().join("projector").join("generation-1")).unwrap();
    let _projector = stack.start_alone("project");
    assert_eq!(march(&stack, &position).await, "5000");
    verify(&stack);
}
