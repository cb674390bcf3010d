//! The watch: how late numbers are, whether a position ever goes back, and how long each blow takes to be overcome.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use serde::Deserialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use tidemark_stage::Target;

use crate::{
    campaign::{Campaign, PARTITIONS},
    load::SENDERS,
};

const LOOK_EVERY: Duration = Duration::from_millis(700);

/// What was seen.
#[derive(Default)]
pub struct Watch {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// The last position answered, by partition.
    positions: BTreeMap<i32, i64>,
    late_ms_max: i64,
    late_ms_now: BTreeMap<i32, i64>,
    backwards: Vec<String>,
    blows: Vec<Blow>,
    recoveries: BTreeMap<&'static str, Vec<i64>>,
}

/// Something done to a process, and the partitions that have not answered with anything newer since.
struct Blow {
    target: Target,
    at_ms: i64,
    waiting: BTreeSet<i32>,
}

/// How long blows to one kind of process took to be overcome.
pub struct Recovery {
    pub target: &'static str,
    pub median_s: f64,
    pub longest_s: f64,
}

#[derive(Deserialize)]
struct Answer {
    trust: Trust,
}

#[derive(Deserialize)]
struct Trust {
    position: Option<i64>,
}

impl Watch {
    /// Something was done to a process just now.
    pub fn blow(&self, target: Target) {
        let waiting = (0..PARTITIONS).collect();
        self.seen().blows.push(Blow { target, at_ms: now_ms(), waiting });
    }

    /// An answer with this position was given; of what is asked in parallel only the newest counts as going forward.
    pub fn answered(&self, campaign: &Campaign, partition: i32, asked_from: i64, position: i64) {
        let mut seen = self.seen();
        if position < asked_from {
            seen.backwards.push(format!("partition {partition}: an answer at {position} after one at {asked_from}"));
        }
        let newest = seen.positions.entry(partition).or_insert(-1);
        *newest = position.max(*newest);
        let Some(appended_at) = campaign.log.appended_at(partition, position) else { return };
        let Seen { blows, recoveries, .. } = &mut *seen;
        blows.retain_mut(|blow| {
            if appended_at > blow.at_ms {
                blow.waiting.remove(&partition);
            }
            if blow.waiting.is_empty() {
                recoveries.entry(blow.target.name()).or_default().push(now_ms() - blow.at_ms);
            }
            !blow.waiting.is_empty()
        });
    }

    /// The newest position answered.
    pub fn position(&self, partition: i32) -> i64 {
        self.seen().positions.get(&partition).copied().unwrap_or(-1)
    }

    /// How long the oldest record that no answer has shown yet is in the log, of the latest partition.
    pub fn late_ms(&self) -> i64 {
        self.seen().late_ms_now.values().copied().max().unwrap_or(0)
    }

    pub fn late_ms_max(&self) -> i64 {
        self.seen().late_ms_max
    }

    pub fn backwards(&self) -> Vec<String> {
        self.seen().backwards.clone()
    }

    pub fn recoveries(&self) -> Vec<Recovery> {
        let seconds = |ms: i64| ms as f64 / 1_000.0;
        let recovery = |(target, times): (&&'static str, &Vec<i64>)| {
            let mut times = times.clone();
            times.sort_unstable();
            let median_s = times.get(times.len() / 2).copied().map_or(0.0, seconds);
            Recovery { target, median_s, longest_s: times.last().copied().map_or(0.0, seconds) }
        };
        self.seen().recoveries.iter().map(recovery).collect()
    }

    fn look(&self, campaign: &Campaign, partition: i32) {
        let mut seen = self.seen();
        let position = seen.positions.get(&partition).copied().unwrap_or(-1);
        let waits_since = campaign.log.appended_at(partition, position + 1);
        let late = waits_since.map_or(0, |since| now_ms() - since);
        seen.late_ms_now.insert(partition, late);
        seen.late_ms_max = seen.late_ms_max.max(late);
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks one partition for its position, again and again.
pub async fn watch(campaign: Arc<Campaign>, partition: i32, stop: CancellationToken) -> Result<()> {
    let companies = campaign.companies.iter().take(SENDERS);
    let Some(company) = companies.into_iter().find(|company| company.partition == partition) else { return Ok(()) };
    let url = format!("{}/v1/kpis/visits", campaign.stage.query());
    while !stop.is_cancelled() {
        let asked_from = campaign.watch.position(partition);
        let answer = campaign.client.get(&url).bearer_auth(&company.key).send().await;
        if let Ok(answer) = answer
            && answer.status().is_success()
            && let Ok(Answer { trust: Trust { position: Some(position) } }) = answer.json().await
        {
            campaign.watch.answered(&campaign, partition, asked_from, position);
        }
        campaign.watch.look(&campaign, partition);
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
