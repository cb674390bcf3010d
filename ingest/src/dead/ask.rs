//! The two questions about dead letters, each answered within bounds on a thread of its own.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{Message, error::KafkaError};
use serde::{Deserialize, Serialize};
use tidemark_schemas::{connect::KafkaConfig, dead::DeadRecord};
use tokio::sync::Semaphore;

use super::{
    causes::Cause,
    filter::Filter,
    ledger::Ledger,
    ledgers::{KEPT_FOR, Ledgers, locked},
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
    pub(crate) total: usize,
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
    ledgers: Ledgers,
}

impl DeadLetters {
    pub(crate) fn new(kafka: KafkaConfig) -> Self {
        Self { kafka, scans: Arc::new(Semaphore::new(SCANS_MAX)), ledgers: Ledgers::default() }
    }

    pub(crate) async fn letters(
        &self,
        tenant: Arc<str>,
        filter: Filter,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Letters, AskError> {
        let choose = move |ledger: &Ledger| ledger.page(&filter, after, limit, PAGE_BYTES_MAX);
        self.ask(tenant, choose, |partition, mut page, complete| {
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
        let choose = move |ledger: &Ledger| ledger.causes(&filter, limit);
        self.ask(tenant, choose, |partition, (mut causes, total), complete| {
            let offsets: BTreeSet<i64> = causes.iter().map(|cause| cause.example.offset).collect();
            if let Some((first, last)) = offsets.first().zip(offsets.last()) {
                partition.read(*first..*last + 1, |record| {
                    if !offsets.contains(&record.offset()) {
                        return;
                    }
                    if let Some(DeadRecord::Letter(letter)) = DeadRecord::read(record.payload().unwrap_or_default()) {
                        causes.iter_mut().filter(|cause| cause.example.offset == record.offset()).for_each(|cause| {
                            cause.learn_message(&letter);
                        });
                    }
                })?;
            }
            Ok(Grouped { causes, total, complete })
        })
        .await
    }

    /// Chooses by the ledger what is in the answer, and reads it out of the log.
    async fn ask<C, T: Send + 'static>(
        &self,
        tenant: Arc<str>,
        choose: impl FnOnce(&Ledger) -> C + Send + 'static,
        read: impl FnOnce(&Partition<'_>, C, bool) -> Result<T, ScanError> + Send + 'static,
    ) -> Result<T, AskError> {
        let permit = self.scans.clone().try_acquire_owned().map_err(|_| AskError::Busy)?;
        let (kafka, kept) = (self.kafka.clone(), self.ledgers.of(&tenant));
        let answered = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let partition = Partition::open(&kafka, &tenant, Instant::now() + SCAN_MAX)?;
            let mut kept = locked(&kept);
            let log = partition.bounds()?;
            let stretch = log.start.max(log.end - RECORDS_MAX)..log.end;
            let ledger = up_to_date(&partition, kept.take(), &stretch)?;
            let chosen = choose(&ledger);
            *kept = Some(ledger);
            drop(kept);
            read(&partition, chosen, stretch.start == log.start)
        });
        let answered = answered.await.unwrap_or(Err(ScanError::Kafka(KafkaError::Canceled)));
        let ledgers = self.ledgers.clone();
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_FOR).await;
            ledgers.forget_idle();
        });
        Ok(answered?)
    }
}

/// The ledger with what came since, or a new one of the whole stretch.
fn up_to_date(partition: &Partition<'_>, kept: Option<Ledger>, stretch: &Range<i64>) -> Result<Ledger, ScanError> {
    let kept = kept.and_then(|ledger| Some((ledger.missing(stretch)?, ledger)));
    let (missing, mut ledger) = kept.unwrap_or_else(|| (stretch.clone(), Ledger::new(stretch.start)));
    partition.read(missing, |record| {
        let value = record.payload().unwrap_or_default();
        if let Some(read) = DeadRecord::read(value) {
            let file = if let DeadRecord::Letter(_) = read { file_of(value) } else { None };
            ledger.add(record.offset(), value.len(), &read, file);
        }
    })?;
    ledger.is_of(stretch.clone());
    Ok(ledger)
}

/// The name of the file whose row a letter is of.
fn file_of(value: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct OfRow {
        row: Option<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        file: String,
    }
    serde_json::from_slice::<OfRow>(value).ok()?.row.map(|row| row.file)
}
