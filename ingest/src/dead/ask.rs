//! The two questions about dead letters, each a bounded scan on a thread of its own.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Message, error::KafkaError};
use serde::Serialize;
use tidemark_schemas::{connect::KafkaConfig, dead::DeadRecord};
use tokio::sync::Semaphore;

use super::{
    ledger::{Cause, Causes, Filter, Ledger},
    letter::{Kept, Letter},
    scan::{Partition, ScanError},
};

/// Questions answered at one time; each holds a consumer and a thread.
const SCANS_MAX: usize = 2;
/// Records of the partition that are looked at, the newest.
const RECORDS_MAX: i64 = 200_000;
/// How long one question may take.
const SCAN_MAX: Duration = Duration::from_secs(20);
/// Bodies in one answer, unless one alone is larger.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// Too many questions at one time.
    Busy,
    Scan(ScanError),
}

impl From<ScanError> for AskError {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

/// A page of letters, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct Letters {
    pub(crate) letters: Vec<Letter>,
    /// All that the filter takes, on whichever page.
    total: usize,
    /// What `after` takes for the next page.
    pub(crate) next: Option<String>,
    /// False when the topic has more records than are looked at: the oldest are missing.
    pub(crate) complete: bool,
}

/// Letters by what was wrong with them.
#[derive(Debug, Serialize)]
pub(crate) struct Grouped {
    causes: Vec<Cause>,
    total: usize,
    complete: bool,
}

/// Reads `crm.dead`.
pub(crate) struct DeadLetters {
    kafka: KafkaConfig,
    scans: Arc<Semaphore>,
}

impl DeadLetters {
    pub(crate) fn new(kafka: KafkaConfig) -> Self {
        Self { kafka, scans: Arc::new(Semaphore::new(SCANS_MAX)) }
    }

    pub(crate) async fn letters(
        &self,
        tenant: Arc<str>,
        filter: Filter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Letters, AskError> {
        self.ask(tenant, move |partition, stretch, complete| {
            let mut ledger = Ledger::new(&filter);
            each_record(partition, stretch, |offset, bytes, record| ledger.add(offset, bytes, &record))?;
            let mut page = ledger.page(after, limit, PAGE_BYTES_MAX);
            let mut letters = Vec::with_capacity(page.letters.len());
            let ends = page.letters.first_key_value().zip(page.letters.last_key_value());
            if let Some((first, last)) = ends.map(|((first, _), (last, _))| (*first, *last)) {
                partition.read(first..last + 1, |record| {
                    let Some(standing) = page.letters.remove(&record.offset()) else { return };
                    let kept = serde_json::from_slice::<Kept>(record.payload().unwrap_or_default());
                    letters.extend(kept.ok().map(|kept| Letter { kept, standing }));
                })?;
            }
            letters.reverse();
            Ok(Letters { letters, total: page.total, next: page.next.map(|next| next.to_string()), complete })
        })
        .await
    }

    pub(crate) async fn causes(&self, tenant: Arc<str>, filter: Filter, limit: usize) -> Result<Grouped, AskError> {
        self.ask(tenant, move |partition, stretch, complete| {
            let mut ledger = Ledger::new(&filter);
            each_record(partition, stretch.clone(), |offset, bytes, record| ledger.add(offset, bytes, &record))?;
            let mut causes = Causes::default();
            each_record(partition, stretch, |offset, _, record| {
                if let DeadRecord::Letter(letter) = record
                    && ledger.shows(&letter.id, offset)
                {
                    causes.add(&letter);
                }
            })?;
            Ok(Grouped { causes: causes.ranked(limit), total: ledger.total(), complete })
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        tenant: Arc<str>,
        question: impl FnOnce(&Partition<'_>, Range<i64>, bool) -> Result<T, ScanError> + Send + 'static,
    ) -> Result<T, AskError> {
        let permit = self.scans.clone().try_acquire_owned().map_err(|_| AskError::Busy)?;
        let kafka = self.kafka.clone();
        let answered = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let partition = Partition::open(&kafka, &tenant, Instant::now() + SCAN_MAX)?;
            let Range { start: oldest, end } = partition.bounds()?;
            let start = oldest.max(end - RECORDS_MAX);
            question(&partition, start..end, start == oldest)
        });
        Ok(answered.await.unwrap_or(Err(ScanError::Kafka(KafkaError::Canceled)))?)
    }
}

/// Shows every record: where it is, its size, and what it says but for the body.
fn each_record(
    partition: &Partition<'_>,
    stretch: Range<i64>,
    mut visit: impl FnMut(i64, usize, DeadRecord),
) -> Result<(), ScanError> {
    partition.read(stretch, |record| {
        let value = record.payload().unwrap_or_default();
        if let Some(read) = DeadRecord::read(value) {
            visit(record.offset(), value.len(), read);
        }
    })
}
