//! What a worker sees of the world around it: the log, its records, who follows the numbers, and the clock.
//! Kafka and the wall clock in a process, twins of them in the simulator.

use std::collections::BTreeMap;

use futures::future::BoxFuture;

use crate::{
    Error,
    pipeline::{Record, Rows},
};

/// One partition of the log as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogView {
    /// The cluster that it is in.
    pub cluster: String,
    /// First offset.
    pub low: i64,
    /// Offset after the last.
    pub high: i64,
    /// Hashes of the records that were asked for, by offset; none for what the log does not hold.
    pub hashes: BTreeMap<i64, u64>,
}

impl LogView {
    /// The name of the log: its cluster and its first record; none while there is no first record.
    #[must_use]
    pub fn log_id(&self) -> Option<String> {
        self.hashes.get(&0).map(|hash| log_id(&self.cluster, *hash))
    }
}

/// The name of a log that begins with that record.
#[must_use]
pub fn log_id(cluster: &str, first_record_hash: u64) -> String {
    format!("{cluster}/{first_record_hash:016x}")
}

/// The log, as far as telling it from another needs.
pub trait Log: Send + Sync {
    /// How many partitions it has.
    fn partitions(&self) -> i32;

    /// Looks at a partition, and at the records with these offsets.
    fn look<'a>(&'a self, partition: i32, offsets: &'a [i64]) -> BoxFuture<'a, Result<LogView, Error>>;
}

/// What comes from the log.
#[derive(Debug)]
pub enum Delivery {
    /// The next records.
    Records(Vec<Record>),
    /// The connection to the log was lost, or nothing came for long: the log may be another one by now.
    Doubt,
    /// The partition was given to this process; what comes next is of this assignment.
    Assigned,
}

/// The records of one partition, in order.
pub trait Records: Send {
    /// Waits for the next; none when there will be no more.
    fn next(&mut self) -> impl Future<Output = Option<Delivery>> + Send;

    /// A batch was committed; the next record to process is that one.
    fn committed(&mut self, next_offset: i64);

    /// The state is another: what comes next should begin there. Records before it do no harm.
    fn skip_to(&mut self, next_offset: i64);
}

/// Whoever follows the numbers.
pub trait Changes: Send + Sync {
    /// Publishes what a written batch says; a replay publishes it again.
    fn publish<'a>(&'a self, rows: &'a Rows) -> BoxFuture<'a, Result<(), Error>>;
}

/// Nobody does: the numbers are of a generation that is being built.
#[derive(Debug, Clone, Copy)]
pub struct Nobody;

impl Changes for Nobody {
    fn publish<'a>(&'a self, _rows: &'a Rows) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Who does what a worker does not wait for.
pub trait Background: Send + Sync {
    /// Runs it to its end, or until the process ends.
    fn run(&self, work: BoxFuture<'static, ()>);
}

/// A task of its own.
#[derive(Debug, Clone, Copy)]
pub struct Spawned;

impl Background for Spawned {
    fn run(&self, work: BoxFuture<'static, ()>) {
        tokio::spawn(work);
    }
}

/// The one clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Waits.
    fn sleep(&self, ms: u64) -> BoxFuture<'static, ()>;
}

/// The wall clock.
#[derive(Debug, Clone, Copy)]
pub struct WallClock;

impl Clock for WallClock {
    fn now_ms(&self) -> i64 {
        chrono::Utc::now().timestamp_millis()
    }

    fn sleep(&self, ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(std::time::Duration::from_millis(ms)))
    }
}
