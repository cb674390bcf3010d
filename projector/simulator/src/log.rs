//! A partition of the log: records that are appended, and a log that is cut off, put anew or loses its beginning.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use tidemark_projector::{
    Error,
    pipeline::{Record, record_hash},
    source::{Log, LogView},
};
use tidemark_schemas::events::{Event, wire};

use crate::{
    company::PARTITIONS,
    faults::Point,
    world::{World, unreachable},
};

/// The first record's append time, milliseconds.
const APPENDED_FROM_MS: i64 = 1_777_600_000_000;
/// A schema id that no version knows.
const UNKNOWN_SCHEMA: [u8; 5] = [0, 0xff, 0, 0, 1];

/// What is going to be appended.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) tenant: Arc<str>,
    pub(crate) content: Content,
}

/// What a record says.
#[derive(Clone)]
pub(crate) enum Content {
    /// An event.
    Event(Event),
    /// An event that only the newest version can read.
    Newer(Event),
    /// Nothing.
    Poison(Vec<u8>),
}

/// A record as it is, and what it says.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) record: Record,
    pub(crate) tenant: Arc<str>,
    pub(crate) content: Content,
}

impl Kept {
    pub(crate) fn hash(&self) -> u64 {
        record_hash(&self.record.value)
    }

    /// What it tells the numbers.
    pub(crate) fn event(&self) -> Option<&Event> {
        match &self.content {
            Content::Event(event) | Content::Newer(event) => Some(event),
            Content::Poison(_) => None,
        }
    }
}

/// One partition.
#[derive(Default)]
pub(crate) struct PartitionLog {
    pub(crate) cluster: &'static str,
    pub(crate) low: i64,
    pub(crate) records: Vec<Kept>,
    /// The log as it was before it was cut off or put anew.
    pub(crate) before: Option<Vec<Kept>>,
    /// Counts the times that every connection to it was lost.
    pub(crate) epoch: u64,
}

impl PartitionLog {
    pub(crate) fn append(&mut self, pending: Pending) -> Result<(), String> {
        let Pending { tenant, content } = pending;
        let value = match &content {
            Content::Event(event) | Content::Newer(event) => wire::encode(event).map_err(|error| error.to_string())?,
            Content::Poison(bytes) => bytes.clone(),
        };
        let offset = self.records.len() as i64;
        let record = Record {
            from_registry: false,
            offset,
            appended_at: APPENDED_FROM_MS + offset,
            key: Some(tenant.as_bytes().to_vec()),
            value,
        };
        self.records.push(Kept { record, tenant, content });
        Ok(())
    }

    /// Up to `count` records from an offset on, as a version of the program gets them.
    pub(crate) fn read(&self, from: i64, count: usize, is_upgraded: bool) -> Vec<Record> {
        let from = if from < self.low { usize::MAX } else { usize::try_from(from).unwrap_or(usize::MAX) };
        let kept = self.records.iter().skip(from).take(count);
        kept.map(|kept| {
            let mut record = kept.record.clone();
            if matches!(kept.content, Content::Newer(_)) && !is_upgraded {
                record.value[..UNKNOWN_SCHEMA.len()].copy_from_slice(&UNKNOWN_SCHEMA);
            }
            record
        })
        .collect()
    }

    /// The broker lost everything from an offset on.
    pub(crate) fn truncate(&mut self, to: usize) {
        self.before = Some(self.records.clone());
        self.records.truncate(to);
        self.epoch += 1;
    }

    /// The topic was made anew.
    pub(crate) fn recreate(&mut self, cluster: &'static str) {
        self.before = Some(std::mem::take(&mut self.records));
        self.cluster = cluster;
        self.epoch += 1;
    }

    /// The oldest records were deleted.
    pub(crate) fn lose_beginning(&mut self, low: i64) {
        self.before = Some(self.records.clone());
        self.low = low;
        self.epoch += 1;
    }

    fn view(&self, offsets: &[i64]) -> LogView {
        let (low, high) = (self.low, self.records.len() as i64);
        let hashes: BTreeMap<i64, u64> = offsets
            .iter()
            .filter(|offset| (low..high).contains(offset))
            .filter_map(|offset| Some((*offset, self.records.get(usize::try_from(*offset).ok()?)?.hash())))
            .collect();
        LogView { cluster: self.cluster.to_owned(), low, high, hashes }
    }
}

/// Looks at the logs.
pub(crate) struct Looking(pub(crate) Arc<World>);

impl Log for Looking {
    fn partitions(&self) -> i32 {
        PARTITIONS as i32
    }

    fn look<'a>(&'a self, partition: i32, offsets: &'a [i64]) -> BoxFuture<'a, Result<LogView, Error>> {
        Box::pin(async move {
            futures::pending!();
            if self.0.goes_wrong(10, Point::LogUnreachable) {
                return Err(unreachable("Kafka"));
            }
            let partition = usize::try_from(partition).unwrap_or_default();
            Ok(self.0.with_log(partition, |log| log.view(offsets)))
        })
    }
}
