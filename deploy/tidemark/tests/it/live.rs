//! `/v1/live` from the post of an event to the listener, through the real Kafka and the real engine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::{Value, json};

use crate::events::{Events, Heard};
use crate::stack::{KEY, Stack};

const LISTENERS: usize = 200;
/// Posts whose way to the listeners is timed; the times are printed and decide nothing.
const TIMED: usize = 40;
const QUESTION: &str = "kpi=visits&grain=month&by=rep";
/// Servers that were killed are started again, and posts are refused until then.
const POST_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// The promise of the design, section 8.
const STOP_WITHIN: Duration = Duration::from_secs(10);

fn visit(id: &str, revision: i64, rep: &str) -> Value {
    json!({ "type": "visit.completed", "event_id": id, "revision": revision, "account_id": "A-1", "rep_id": rep,
            "occurred_at": "2026-03-05T10:00:00+08:00", "data": { "visit_id": id } })
}

async fn listen(stack: &Stack, key: &str, seen: Option<&str>) -> Events {
    let request = reqwest::Client::new().get(format!("{}/v1/live?{QUESTION}", stack.query())).bearer_auth(key);
    Events::open(match seen {
        Some(seen) => request.header("Last-Event-ID", seen),
        None => request,
    })
    .await
}

fn row(rep: &str, value: &str) -> Value {
    json!({ "period": "2026-03-01", "rep": rep, "value": value })
}

/// Posts until it is accepted.
async fn post(stack: &Stack, event: &Value) {
    let client = reqwest::Client::new();
    loop {
        let posted = client.post(format!("{}/v1/events", stack.ingest())).bearer_auth(KEY).json(event).send().await;
        if posted.is_ok_and(|posted| posted.status().is_success()) {
            return;
        }
        tokio::time::sleep(POST_AGAIN_AFTER).await;
    }
}

/// Everything that is said until a rep has so many visits; problems may be among it.
async fn until(events: &mut Events, rep: &str, value: &str) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let Heard { name, data, .. } = events.any().await.unwrap();
        let is_it = data["rows"].as_array().is_some_and(|rows| rows.contains(&row(rep, value)));
        names.push(name);
        if is_it {
            return names;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_is_pushed_to_whom_it_concerns() {
    let mut stack = Stack::of_tenants(&[["globex", "Europe/Berlin", "EUR"]]);
    stack.post(&visit("V-0", 0, "R-0")).await;
    let mut foreign = listen(&stack, "globex", None).await;
    assert_eq!(foreign.next("values").await.data["rows"], json!([]));
    let mut listeners = join_all((0..LISTENERS).map(|_| listen(&stack, KEY, None))).await;
    for events in &mut listeners {
        // The first event may be in, or be the first change.
        let values = events.next("values").await;
        if values.data["rows"] == json!([]) {
            events.next("changed").await;
        }
    }
    let all = async |listeners: &mut Vec<Events>| join_all(listeners.iter_mut().map(|events| events.next("changed"))).await;

    stack.post(&visit("V-1", 0, "R-1")).await;
    for heard in all(&mut listeners).await {
        assert_eq!((&heard.data["rows"], &heard.data["removed"]), (&json!([row("R-1", "1")]), &json!([])));
    }
    stack.post(&visit("V-1", 1, "R-2")).await;
    let gone = |rep: &str| json!([{ "period": "2026-03-01", "rep": rep }]);
    for heard in all(&mut listeners).await {
        assert_eq!((&heard.data["rows"], &heard.data["removed"]), (&json!([row("R-2", "1")]), &gone("R-1")));
    }
    let mut retraction = visit("V-1", 2, "R-2");
    retraction["retracted"] = true.into();
    let position = stack.post(&retraction).await;
    for heard in all(&mut listeners).await {
        assert_eq!((&heard.data["rows"], &heard.data["removed"]), (&json!([]), &gone("R-2")));
        assert_eq!(heard.id, Some(format!("{position}@1")));
    }

    let seen = format!("{position}@1");
    let mut back = listen(&stack, KEY, Some(&seen)).await;
    assert_eq!(back.any().await.unwrap().name, "comment", "nothing changed while it was away");
    stack.post(&visit("V-2", 0, "R-2")).await;
    assert_eq!(back.next("changed").await.data["rows"], json!([row("R-2", "1")]));
    all(&mut listeners).await;
    let mut back = listen(&stack, KEY, Some(&seen)).await;
    assert_eq!(back.next("values").await.data["rows"], json!([row("R-0", "1"), row("R-2", "1")]));

    timed(&stack, &mut listeners).await;
    let quiet = tokio::time::timeout(Duration::from_millis(200), foreign.any()).await;
    assert!(!matches!(&quiet, Ok(Some(heard)) if heard.name != "comment"), "another company's change was told: {quiet:?}");
    let took = stack.interrupt();
    assert!(took < STOP_WITHIN, "{LISTENERS} listeners hold up the end: {took:?}");
}

/// How long a change takes from the answer to its post to the first and to the last listener.
async fn timed(stack: &Stack, listeners: &mut [Events]) {
    let mut took: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for number in 0..TIMED {
        let id = format!("T-{number}");
        stack.post(&visit(&id, 0, "R-T")).await;
        let posted = Instant::now();
        let heard = listeners.iter_mut().map(async |events| {
            events.next("changed").await;
            posted.elapsed()
        });
        let heard = join_all(heard).await;
        took.entry("first").or_default().push(heard.iter().copied().min().unwrap());
        took.entry("last").or_default().push(heard.iter().copied().max().unwrap());
    }
    for (which, mut took) in took {
        took.sort();
        let (p50, p90, most) = (took[TIMED / 2], took[TIMED * 9 / 10], took[TIMED - 1]);
        eprintln!("from a 2xx to the {which} of {} listeners: p50 {p50:?}, p90 {p90:?}, max {most:?}", listeners.len());
    }
}

#[tokio::test]
async fn servers_come_back_and_listeners_hear_of_what_was_missed() {
    let stack = Stack::start();
    let mut events = listen(&stack, KEY, None).await;
    events.next("values").await;
    stack.kill_server(" clickhouse ");
    post(&stack, &visit("V-1", 0, "R-1")).await;
    until(&mut events, "R-1", "1").await;
    stack.kill_server("kafka.Kafka");
    post(&stack, &visit("V-2", 0, "R-1")).await;
    until(&mut events, "R-1", "2").await;
    // And goes on as before.
    post(&stack, &visit("V-3", 0, "R-1")).await;
    assert_eq!(until(&mut events, "R-1", "3").await.last().map(String::as_str), Some("changed"));
}
