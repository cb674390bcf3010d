//! Ten times what ingest can hold: a real `tidemark ingest` process, whose memory is watched, with a real Kafka. It may turn
//! away what it cannot take (429, 503), but what it acknowledged is in the topic exactly as it was sent.
//!
//! `TIDEMARK_OVERLOAD_SECONDS=120 cargo test -p tidemark --test it overload -- --nocapture` is the long form; 5 by default.
//! The senders run on the same machine, so that rates are those of this machine and build under both loads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use reqwest::Client;
use sha2::{Digest, Sha256};
use tidemark_ingest::read_event;
use tidemark_schemas::events::wire;
use tidemark_schemas::log::{EVENTS_TOPIC, partition_of};
use tidemark_schemas::tenant::{Access, Tenants};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stack::{KEY, Stack};

const EVENTS_PER_BODY: usize = 200;
/// While the rate is measured that ingest holds: each sends the next body once the one before is answered.
const STEADY_CLIENTS: usize = 8;
const STEADY_FOR: Duration = Duration::from_secs(5);
const TIMES: f64 = 10.0;
/// Requests under way at one time; more than ingest works on, less than it has connections for.
const CLIENTS_MAX: usize = 480;
/// What the defaults bound (bodies 128 MiB, Kafka's queue 256 MiB) and the process itself.
const RESIDENT_MIB_MAX: u64 = 512;
/// Partitions that a stack's log has.
const PARTITIONS: i32 = 8;

/// Requests by their status (0: no answer), and which were accepted.
#[derive(Default)]
struct Tally {
    by_status: BTreeMap<u16, u64>,
    accepted: BTreeSet<u32>,
    /// Due, but every client was waiting for an answer.
    not_sent: u64,
}

fn event(request: u32, n: usize) -> String {
    let (id, day) = (format!("{request}-{n}"), n % 28 + 1);
    format!(
        r#"{{"type":"deal.won","event_id":"{id}","account_id":"客户-{n}","rep_id":"R-{}","occurred_at":"2026-02-{day:02}T10:{:02}:00+08:00","recorded_at":"2026-03-01T08:00:00.{:03}Z","data":{{"deal_id":"D-{id}","amount":"{request}.{n:03}","currency":"CNY"}}}}"#,
        request % 97,
        n % 60,
        n % 1000,
    )
}

fn body(request: u32) -> String {
    let events: Vec<String> = (0..EVENTS_PER_BODY).map(|n| event(request, n)).collect();
    format!("[{}]", events.join(","))
}

#[derive(Clone)]
struct Sender {
    client: Client,
    url: String,
}

impl Sender {
    async fn send(&self, request: u32) -> (u32, u16) {
        let post = self.client.post(format!("{}/v1/events", self.url)).bearer_auth(KEY);
        let answer = post.header("content-type", "application/json").body(body(request)).send().await;
        let status = match answer {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let waits = answer.headers().contains_key("retry-after");
                assert!(status == 200 || waits, "{status} without Retry-After");
                // The connection is only used again once the answer was read.
                if answer.bytes().await.is_ok() { status } else { 0 }
            }
            Err(error) => {
                eprintln!("no answer: {error:?}");
                0
            }
        };
        (request, status)
    }

    /// Closed loop: what ingest takes when nobody is turned away.
    async fn steady(&self, first: u64) -> Tally {
        let (next, started) = (Arc::new(AtomicU64::new(first)), Instant::now());
        let mut clients = JoinSet::new();
        for _ in 0..STEADY_CLIENTS {
            let (sender, next) = (self.clone(), next.clone());
            clients.spawn(async move {
                let mut done = Vec::new();
                while started.elapsed() < STEADY_FOR {
                    let request = u32::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    done.push(sender.send(request).await);
                }
                done
            });
        }
        let mut tally = Tally::default();
        clients.join_all().await.into_iter().flatten().for_each(|answered| tally.add(answered));
        tally
    }

    /// Open loop: so many requests a second, whatever becomes of them.
    async fn overload(&self, first: u32, per_second: f64, lasts: Duration) -> Tally {
        let (mut tally, mut due_until_now) = (Tally::default(), 0);
        let (free, mut under_way) = (Arc::new(Semaphore::new(CLIENTS_MAX)), JoinSet::new());
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        let started = Instant::now();
        while started.elapsed() < lasts {
            ticks.tick().await;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "requests of minutes")]
            let due = (started.elapsed().as_secs_f64() * per_second) as u32;
            for request in due_until_now..due {
                match free.clone().try_acquire_owned() {
                    Ok(client) => {
                        let sender = self.clone();
                        under_way.spawn(async move {
                            let answered = sender.send(first + request).await;
                            drop(client);
                            answered
                        });
                    }
                    Err(_) => tally.not_sent += 1,
                }
            }
            due_until_now = due;
            while let Some(answered) = under_way.try_join_next() {
                tally.add(answered.unwrap());
            }
        }
        under_way.join_all().await.into_iter().for_each(|answered| tally.add(answered));
        tally
    }
}

impl Tally {
    fn add(&mut self, (request, status): (u32, u16)) {
        *self.by_status.entry(status).or_default() += 1;
        if status == 200 {
            self.accepted.insert(request);
        }
    }

    fn sent(&self) -> u64 {
        self.by_status.values().sum()
    }
}

/// Looks at a process's memory until dropped.
struct Watch {
    over: Arc<AtomicBool>,
    looks: Option<std::thread::JoinHandle<Vec<u64>>>,
}

impl Watch {
    fn start(process: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let looks = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                seen.push(resident_mib(process));
                std::thread::sleep(Duration::from_millis(100));
            }
            seen
        });
        Self { over, looks: Some(looks) }
    }

    fn stop(mut self) -> Vec<u64> {
        self.over.store(true, Ordering::Relaxed);
        self.looks.take().unwrap().join().unwrap()
    }
}

fn resident_mib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// What the topic says about each request: how many of its events are there, each compared with what was sent.
struct Found {
    events_of: BTreeMap<u32, BTreeSet<usize>>,
    records: u64,
}

fn read_back(brokers: &str, access: &Access) -> Found {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "none").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let partition = partition_of(&access.tenant, PARTITIONS);
    let (_, end) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, Duration::from_secs(20)).unwrap();
    let mut assigned = TopicPartitionList::new();
    assigned.add_partition_offset(EVENTS_TOPIC, partition, Offset::Beginning).unwrap();
    consumer.assign(&assigned).unwrap();
    let mut found = Found { events_of: BTreeMap::new(), records: 0 };
    while i64::try_from(found.records).unwrap() < end {
        let message = consumer.poll(Duration::from_secs(20)).expect("a record before the end").unwrap();
        let event = wire::decode(message.payload().unwrap()).unwrap();
        let (request, n) = event.envelope.event_id.split_once('-').unwrap();
        let (request, n): (u32, usize) = (request.parse().unwrap(), n.parse().unwrap());
        let mut sent = read_event(&self::event(request, n), access, event.envelope.received_at).unwrap();
        sent.envelope.received_at = event.envelope.received_at;
        assert_eq!(event, sent, "what is in the topic is what was sent");
        found.events_of.entry(request).or_default().insert(n);
        found.records += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_times_what_it_holds_loses_nothing_that_was_acknowledged() {
    let lasts = std::env::var("TIDEMARK_OVERLOAD_SECONDS").map_or(5, |seconds| seconds.parse().expect("seconds"));
    let without = ["--without", "ingest", "--without", "projector", "--without", "query"];
    let stack = Stack::start_with(&[["--time-zone", "Asia/Shanghai", "--currency", "CNY"].as_slice(), &without].concat());
    let ingest = stack.start_alone("ingest");
    let client = Client::builder().pool_max_idle_per_host(CLIENTS_MAX).build().unwrap();
    let sender = Sender { client, url: stack.ingest() };
    while sender.client.get(format!("{}/readyz", sender.url)).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let at_rest = resident_mib(ingest.id());
    // A broker that has just started takes seconds for its first records, which is not the rate that ingest holds.
    let warm = sender.steady(0).await;
    let steady = sender.steady(warm.sent()).await;
    let held = steady.accepted.len() as f64 / STEADY_FOR.as_secs_f64();
    let watch = Watch::start(ingest.id());
    let first = u32::try_from(warm.sent() + steady.sent()).unwrap();
    let overload = sender.overload(first, held * TIMES, Duration::from_secs(lasts)).await;
    let resident = watch.stop();
    let most = resident.iter().copied().max().unwrap();

    let tenants = Tenants::parse(&fs::read_to_string(stack.state().join("tenants.toml")).unwrap()).unwrap();
    let access = tenants.by_key_hash(&hex::encode(Sha256::digest(KEY))).unwrap().clone();
    let brokers = stack.brokers();
    let found = tokio::task::spawn_blocking(move || read_back(&brokers, &access)).await.unwrap();
    let accepted: Vec<u32> = [&warm, &steady, &overload].into_iter().flat_map(|tally| &tally.accepted).copied().collect();
    let whole = |request: &&u32| found.events_of.get(request).is_some_and(|events| events.len() == EVENTS_PER_BODY);
    let (acknowledged, there) = (accepted.len(), accepted.iter().filter(whole).count());

    let events = |requests: f64| requests * EVENTS_PER_BODY as f64;
    eprintln!("held, {STEADY_CLIENTS} clients in turn       {:>12.0} events/s", events(held));
    eprintln!("offered for {lasts:>3} s               {:>12.0} events/s", events(overload.sent() as f64 / lasts as f64));
    eprintln!("accepted meanwhile              {:>12.0} events/s", events(overload.accepted.len() as f64 / lasts as f64));
    for (status, requests) in &overload.by_status {
        eprintln!("answered {status}                    {requests:>12} requests");
    }
    eprintln!("due, but all {CLIENTS_MAX} clients busy   {:>12} requests", overload.not_sent);
    eprintln!("acknowledged, warm-up included  {:>12} events", acknowledged * EVENTS_PER_BODY);
    eprintln!("of them in the topic as sent    {:>12} events", there * EVENTS_PER_BODY);
    eprintln!("records in the topic            {:>12}", found.records);
    eprintln!("resident at rest, at most, last {at_rest:>4} {most:>4} {:>4} MiB", resident[resident.len() - 1]);

    assert_eq!(steady.by_status.keys().collect::<Vec<_>>(), [&200], "nobody is turned away at a rate that it holds");
    assert!(overload.by_status.keys().all(|status| [200, 429, 503].contains(status)), "{:?}", overload.by_status);
    assert!(overload.sent() > overload.accepted.len() as u64, "it was too much for it");
    assert!(!overload.accepted.is_empty(), "it went on working");
    assert_eq!(there, acknowledged, "everything that was acknowledged is there");
    assert!(most < RESIDENT_MIB_MAX, "{most} MiB");
}
