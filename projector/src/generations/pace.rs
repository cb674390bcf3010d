//! Pace: how much of the machine a rebuild takes, so that the live numbers beside it stay fresh.

use std::thread::available_parallelism;

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

/// What the workers of a process share to keep a pace.
#[derive(Debug)]
pub struct Turns {
    pace: Pace,
    turn: Mutex<()>,
    batches: Semaphore,
}

impl Turns {
    /// Nobody's turn yet.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        // One more than there are cores: what is folded, and what waits for ClickHouse meanwhile.
        let batches = available_parallelism().map_or(1, usize::from) + 1;
        Self { pace, turn: Mutex::new(()), batches: Semaphore::new(batches) }
    }

    /// Waits until few enough batches are in memory, whose rows take some kilobytes an event; to be kept until this one is in.
    pub async fn room(&self) -> Option<SemaphorePermit<'_>> {
        self.batches.acquire().await.ok()
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
