//! What the outside may know of a worker: whether its partition waits for an operator, and whether a batch does not get in;
//! and of the log, whether it answers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Error;

/// How the worker of one partition is doing.
#[derive(Debug, Default)]
pub struct Status {
    stalled: Mutex<Option<Stalled>>,
    trying: Mutex<Option<Trying>>,
}

/// Why a partition waits for an operator.
#[derive(Debug, Clone)]
struct Stalled {
    reason: String,
    /// For every company of the partition: without what belongs to one of them only.
    to_readers: String,
}

/// A batch that is not in yet.
#[derive(Debug, Clone)]
struct Trying {
    since_ms: i64,
    failed: Option<String>,
}

impl Status {
    /// Why the partition waits for an operator, if it does.
    #[must_use]
    pub fn stalled(&self) -> Option<String> {
        lock(&self.stalled).as_ref().map(|stalled| stalled.reason.clone())
    }

    /// The same as readers of its numbers may know it.
    #[must_use]
    pub fn stalled_to_readers(&self) -> Option<String> {
        lock(&self.stalled).as_ref().map(|stalled| stalled.to_readers.clone())
    }

    /// Since when a batch is tried that is not in yet, and what became of the last try; none for one that has not ended.
    #[must_use]
    pub fn trying(&self) -> Option<(i64, Option<String>)> {
        lock(&self.trying).as_ref().map(|trying| (trying.since_ms, trying.failed.clone()))
    }

    pub(super) fn stall(&self, reason: Option<&Error>) {
        *lock(&self.stalled) = reason.map(|reason| Stalled { reason: reason.to_string(), to_readers: reason.to_readers() });
    }

    pub(super) fn tries(&self, now_ms: i64) {
        *lock(&self.trying) = Some(Trying { since_ms: now_ms, failed: None });
    }

    pub(super) fn failed(&self, reason: &Error) {
        if let Some(trying) = lock(&self.trying).as_mut() {
            trying.failed = Some(reason.to_string());
        }
    }

    pub(super) fn done(&self) {
        *lock(&self.trying) = None;
    }
}

/// Whether Kafka answers, as the heartbeat finds it, which looks however idle the workers are.
#[derive(Debug, Default)]
pub struct LogStatus(Mutex<Option<String>>);

impl LogStatus {
    /// Why nothing can be known of the log, while that is so.
    #[must_use]
    pub fn away(&self) -> Option<String> {
        lock(&self.0).clone()
    }

    pub(super) fn looked<T>(&self, outcome: &Result<T, Error>) {
        *lock(&self.0) = outcome.as_ref().err().map(ToString::to_string);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
