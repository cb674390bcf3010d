//! The load: companies send what they have, one body after the other, each until it is acknowledged, at a steady rate.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tidemark_stage::Company;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    campaign::{Campaign, PARTITIONS},
    history::{self, Body},
};

/// Companies that send at the same time; a multiple of the partitions, so that each always has as many.
pub const SENDERS: usize = 2 * PARTITIONS as usize;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(300);
/// Longest that ingest may be away: far longer than anything that is done to it.
const PATIENCE: Duration = Duration::from_secs(600);

/// What was acknowledged.
#[derive(Default)]
pub struct Acked {
    events: AtomicU64,
    retries: AtomicU64,
    /// By company and hash, how often.
    hashes: Mutex<HashMap<(usize, u128), u32>>,
}

impl Acked {
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Bodies that were sent again.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// What was acknowledged of each company, by hash; taken out.
    pub fn take(&self) -> HashMap<(usize, u128), u32> {
        std::mem::take(&mut self.hashes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, company: usize, body: &Body) {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        for hash in &body.hashes {
            *hashes.entry((company, *hash)).or_default() += 1;
        }
        self.events.fetch_add(body.hashes.len() as u64, Ordering::Relaxed);
    }
}

#[derive(Deserialize)]
struct Answer {
    accepted: usize,
}

/// Sends company after company (every `SENDERS`th, so that they stay in one partition) until `calm`. A body that was begun is
/// sent until it is acknowledged.
pub async fn send(campaign: Arc<Campaign>, first: usize, calm: CancellationToken) -> Result<()> {
    let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).pool_max_idle_per_host(0).build()?;
    for number in (first..campaign.companies.len()).step_by(SENDERS) {
        let company = &campaign.companies[number];
        for body in history::bodies(&campaign.stage, company, campaign.args.seed, number).await? {
            campaign.pace.wait(&calm).await;
            if calm.is_cancelled() {
                return Ok(());
            }
            post(&campaign, &client, company, &body).await.with_context(|| format!("events of {}", company.name))?;
            campaign.acked.add(number, &body);
            campaign.pace.sent(body.hashes.len());
        }
    }
    calm.cancelled().await;
    Ok(())
}

async fn post(campaign: &Campaign, client: &reqwest::Client, company: &Company, body: &Body) -> Result<()> {
    let url = format!("{}/v1/events", campaign.stage.ingest());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = client.post(&url).bearer_auth(&company.key).header("content-type", "application/x-ndjson");
        match request.body(body.lines.clone()).send().await {
            Ok(answer) if answer.status().is_success() => {
                // A connection that breaks here leaves open what was said: then it is sent again.
                if let Ok(answer) = answer.json::<Answer>().await {
                    let (accepted, sent) = (answer.accepted, body.hashes.len());
                    ensure!(accepted == sent, "ingest accepted {accepted} of {sent} valid events");
                    return Ok(());
                }
            }
            Ok(answer) if answer.status().is_client_error() && answer.status() != 429 => {
                bail!("ingest answered {}: {}", answer.status(), answer.text().await.unwrap_or_default());
            }
            _ => {}
        }
        ensure!(Instant::now() < deadline, "ingest took nothing for {} s", PATIENCE.as_secs());
        campaign.acked.retries.fetch_add(1, Ordering::Relaxed);
        sleep(PAUSE).await;
    }
}

/// A rate that all senders keep together; what an outage cost is made up for afterwards.
pub struct Pace {
    /// When the first body was about to be sent.
    started: OnceLock<Instant>,
    per_second: f64,
    sent: AtomicU64,
}

impl Pace {
    pub fn new(per_second: u32) -> Self {
        Self { started: OnceLock::new(), per_second: f64::from(per_second), sent: AtomicU64::new(0) }
    }

    async fn wait(&self, calm: &CancellationToken) {
        let started = *self.started.get_or_init(Instant::now);
        let due = started + Duration::from_secs_f64(self.sent.load(Ordering::Relaxed) as f64 / self.per_second);
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = calm.cancelled() => {}
        }
    }

    fn sent(&self, events: usize) {
        self.sent.fetch_add(events as u64, Ordering::Relaxed);
    }
}
