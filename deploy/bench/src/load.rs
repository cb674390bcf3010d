//! Sending histories to ingest: bodies are cut ahead on a thread of their own, so that the sender costs little; each
//! connection sends one after the other and keeps the order of its companies' events.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use indicatif::ProgressBar;
use serde::Deserialize;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep},
};

/// Events of one body.
const BATCH_EVENTS: usize = 500;
/// Bodies of one connection that are ready before they are needed, about 150 kB each.
const BODIES_AHEAD: usize = 64;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long ingest may be busy.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Who sends what: a company's key and its file.
pub struct Feed {
    pub key: String,
    pub file: PathBuf,
}

struct Body {
    key: String,
    lines: Bytes,
    events: u64,
}

/// Ingest's answer.
#[derive(Debug, Deserialize)]
pub struct Answer {
    accepted: u64,
    pub position: Option<String>,
}

/// One connection to ingest, kept open.
#[derive(Clone)]
pub struct Sender {
    client: reqwest::Client,
    url: String,
}

impl Sender {
    pub fn new(ingest: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).tcp_nodelay(true).build()?;
        Ok(Self { client, url: format!("{ingest}/v1/events") })
    }

    /// Sends until it is acknowledged; patient while ingest is busy.
    pub async fn post(&self, key: &str, lines: Bytes, events: u64) -> Result<Answer> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = self.client.post(&self.url).bearer_auth(key).header("content-type", "application/x-ndjson");
            let answer = request.body(lines.clone()).send().await.context("ingest")?;
            let status = answer.status();
            if status.is_success() {
                let answer: Answer = answer.json().await?;
                ensure!(answer.accepted == events, "ingest accepted {} of {events} simulated events", answer.accepted);
                return Ok(answer);
            }
            if status.is_client_error() && status != 429 {
                bail!("ingest answered {status}: {}", answer.text().await.unwrap_or_default());
            }
            ensure!(Instant::now() < deadline, "ingest took nothing for {} s: {status}", PATIENCE.as_secs());
            sleep(PAUSE).await;
        }
    }
}

/// Sends all of it in batches over some connections; from the first request to the last answer.
pub async fn send_batches(ingest: &str, feeds: Vec<Feed>, connections: usize, progress: &ProgressBar) -> Result<Duration> {
    let mut shares: Vec<Vec<Feed>> = (0..connections).map(|_| Vec::new()).collect();
    for (number, feed) in feeds.into_iter().enumerate() {
        shares[number % connections].push(feed);
    }
    let mut queues = Vec::new();
    let mut cutting = JoinSet::new();
    for share in shares {
        let (ahead, bodies) = mpsc::channel(BODIES_AHEAD);
        cutting.spawn_blocking(move || cut(share, &ahead));
        queues.push(bodies);
    }
    let mut sending = JoinSet::new();
    let started = Instant::now();
    for bodies in queues {
        sending.spawn(send(Sender::new(ingest)?, bodies, progress.clone()));
    }
    while let Some(done) = sending.join_next().await {
        done??;
    }
    let took = started.elapsed();
    while let Some(done) = cutting.join_next().await {
        done??;
    }
    Ok(took)
}

async fn send(sender: Sender, mut bodies: mpsc::Receiver<Body>, progress: ProgressBar) -> Result<()> {
    while let Some(Body { key, lines, events }) = bodies.recv().await {
        sender.post(&key, lines, events).await?;
        progress.inc(events);
    }
    Ok(())
}

/// One body of each company in turn, so that all histories go on at the same time.
fn cut(feeds: Vec<Feed>, ahead: &mpsc::Sender<Body>) -> Result<()> {
    let open = |feed: Feed| {
        let file = File::open(&feed.file).with_context(|| feed.file.display().to_string())?;
        Ok((feed.key, BufReader::new(file)))
    };
    let mut open: Vec<(String, BufReader<File>)> = feeds.into_iter().map(open).collect::<Result<_>>()?;
    while !open.is_empty() {
        let mut still_open = Vec::new();
        for (key, mut lines) in open {
            let (body, events) = next_lines(&mut lines)?;
            if events == 0 {
                continue;
            }
            // Nobody takes it any more: whoever stopped says why.
            if ahead.blocking_send(Body { key: key.clone(), lines: body, events }).is_err() {
                return Ok(());
            }
            still_open.push((key, lines));
        }
        open = still_open;
    }
    Ok(())
}

fn next_lines(lines: &mut BufReader<File>) -> Result<(Bytes, u64)> {
    let (mut body, mut events) = (Vec::new(), 0);
    while events < BATCH_EVENTS as u64 && lines.read_until(b'\n', &mut body)? > 0 {
        events += 1;
    }
    Ok((body.into(), events))
}

/// A visit that nobody else sends, as a line of JSON; of that company's first account and the seller given.
pub fn visit(series: &str, number: u64, rep: u64, occurred_at: &str) -> String {
    let id = format!("{series}-{number}");
    serde_json::json!({ "type": "visit.completed", "source": "bench", "event_id": id, "occurred_at": occurred_at,
        "account_id": "A-1", "rep_id": format!("R-{rep}"), "data": { "visit_id": id, "mode": "onsite", "duration_min": 30 } })
    .to_string()
}
