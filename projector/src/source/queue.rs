//! The queue between dispatch and a worker: records in batches, and doubts about the log in their place among them;
//! every assignment of the partition before its first record.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    watch,
};

use super::{
    Consumer, Offsets,
    consumer::{commit, seek},
    log::{Delivery, Records},
};
use crate::{Config, Error, pipeline::Record};

/// What dispatch hands to a worker.
#[derive(Debug)]
pub enum Queued {
    /// The next record.
    Record(Record),
    /// The connection to Kafka was lost before what comes next.
    Doubt,
}

/// Dispatch's end of a queue.
pub struct Feed {
    /// To the worker.
    pub queue: Sender<Queued>,
    is_doubted: Arc<AtomicBool>,
}

impl Feed {
    /// Notes a doubt. False if one is queued already: what comes after it is examined, and a broker that is away gives
    /// an error for every try to reach it.
    pub fn doubts(&self) -> bool {
        !self.is_doubted.swap(true, Ordering::AcqRel)
    }
}

/// The records of one partition of `crm.events`.
pub struct Queue {
    partition: i32,
    queued: Receiver<Queued>,
    /// A doubt is queued, or put off.
    is_doubted: Arc<AtomicBool>,
    /// A doubt came while a batch was collected.
    puts_off_doubt: bool,
    /// Marked as changed when the partition is given to this process, before dispatch gets a record of it.
    assignments: watch::Receiver<u64>,
    /// Only for the group's offsets.
    consumer: Arc<Consumer>,
    offsets: Arc<Offsets>,
    config: Config,
}

impl Queue {
    /// A queue of a partition with the bounds of `config`, and how it is fed.
    ///
    /// # Errors
    /// The partition is not one of those that the process has a state for.
    pub fn new(partition: i32, consumer: Arc<Consumer>, offsets: Arc<Offsets>, config: Config) -> Result<(Feed, Self), Error> {
        let unknown = || Error::Internal(format!("partition {partition} has no state"));
        let mut assignments = offsets.assignments(partition).ok_or_else(unknown)?;
        if *assignments.borrow() > 0 {
            // It was given to this process before this queue was there to hear of it.
            assignments.mark_changed();
        }
        let (queue, queued) = mpsc::channel(config.queue_records_max);
        let is_doubted = Arc::<AtomicBool>::default();
        let feed = Feed { queue, is_doubted: is_doubted.clone() };
        let puts_off_doubt = false;
        Ok((feed, Self { partition, queued, is_doubted, puts_off_doubt, assignments, consumer, offsets, config }))
    }

    /// What comes first; none when there will be no more.
    async fn first(&mut self) -> Option<Result<Record, Delivery>> {
        let idle = tokio::time::sleep(Duration::from_millis(self.config.examine_ms));
        tokio::select! {
            biased;
            Ok(()) = self.assignments.changed() => Some(Err(Delivery::Assigned)),
            queued = self.queued.recv() => queued.map(|queued| match queued {
                Queued::Record(record) => Ok(record),
                Queued::Doubt => Err(self.doubt()),
            }),
            () = idle => Some(Err(Delivery::Doubt)),
        }
    }

    /// From here on a doubt is a new one: the examination that follows sees what is there now.
    fn doubt(&self) -> Delivery {
        self.is_doubted.store(false, Ordering::Release);
        Delivery::Doubt
    }
}

impl Records for Queue {
    /// Waits for a record, then takes what else is there within the linger and the bounds.
    async fn next(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.puts_off_doubt) {
            return Some(self.doubt());
        }
        let first = match self.first().await? {
            Ok(first) => first,
            Err(other) => return Some(other),
        };
        let mut bytes = first.value.len();
        let mut batch = vec![first];
        let linger = tokio::time::sleep(Duration::from_millis(self.config.linger_ms));
        tokio::pin!(linger);
        while batch.len() < self.config.batch_records_max && bytes < self.config.batch_bytes_max {
            tokio::select! {
                biased;
                Ok(()) = self.assignments.changed() => {
                    self.assignments.mark_changed();
                    break;
                }
                queued = self.queued.recv() => match queued {
                    Some(Queued::Record(record)) => {
                        bytes += record.value.len();
                        batch.push(record);
                    }
                    Some(Queued::Doubt) => {
                        self.puts_off_doubt = true;
                        break;
                    }
                    None => break,
                },
                () = &mut linger => break,
            }
        }
        Some(Delivery::Records(batch))
    }

    fn committed(&mut self, next_offset: i64) {
        self.offsets.committed(self.partition, next_offset);
        commit(&self.consumer, self.partition, next_offset);
    }

    fn skip_to(&mut self, next_offset: i64) {
        self.offsets.committed(self.partition, next_offset);
        tokio::task::block_in_place(|| seek(&self.consumer, self.partition, next_offset));
    }
}
