//! Pace: how much of the machine a rebuild takes, so that the live numbers beside it stay fresh.

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use crate::source::Clock;

/// How fast batches may follow each other in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they can.
    Unbounded,
    /// One at a time, and after each as long a rest as it took: half of one core at most.
    Half,
    /// One at a time, and no more events a second.
    EventsPerSecond(u32),
}

/// Records whose batches are worked on at one time; the rows of each take some kilobytes.
const RECORDS_MAX: u32 = 100_000;

/// What the workers of a process share to keep a pace.
#[derive(Debug)]
pub struct Turns {
    pace: Pace,
    turn: Mutex<()>,
    records: Semaphore,
}

impl Turns {
    /// Nobody's turn yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace, turn: Mutex::new(()), records: Semaphore::new(RECORDS_MAX as usize) }
    }

    /// Waits until there is room in memory for the rows of so many records; to be kept until they are in.
    pub async fn room(&self, records: usize) -> Option<SemaphorePermit<'_>> {
        let records = u32::try_from(records).map_or(RECORDS_MAX, |records| records.min(RECORDS_MAX));
        self.records.acquire_many(records).await.ok()
    }

    /// Waits for a worker's turn; to be kept during the batch and the rest after it.
    pub async fn take(&self) -> Option<MutexGuard<'_, ()>> {
        if self.pace == Pace::Unbounded { None } else { Some(self.turn.lock().await) }
    }

    /// The rest after a batch of so many records that took so long.
    pub async fn rest(&self, clock: &dyn Clock, records: u64, took_ms: u64) {
        let rest_ms = match self.pace {
            Pace::Unbounded => return,
            Pace::Half => took_ms,
            Pace::EventsPerSecond(rate) => (records * 1_000 / u64::from(rate.max(1))).saturating_sub(took_ms),
        };
        clock.sleep(rest_ms).await;
    }
}
