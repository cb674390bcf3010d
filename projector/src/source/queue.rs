//! The queue between dispatch and a worker: records in batches, and doubts about the log in their place among them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::mpsc::{self, Receiver, Sender};

use super::{
    Consumer, Offsets,
    consumer::commit,
    log::{Delivery, Records},
};
use crate::{Config, pipeline::Record};

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
    /// Only for the group's offsets.
    consumer: Arc<Consumer>,
    offsets: Arc<Offsets>,
    config: Config,
}

impl Queue {
    /// A queue of a partition with the bounds of `config`, and how it is fed.
    #[must_use]
    pub fn new(partition: i32, consumer: Arc<Consumer>, offsets: Arc<Offsets>, config: Config) -> (Feed, Self) {
        let (queue, queued) = mpsc::channel(config.queue_records_max);
        let is_doubted = Arc::<AtomicBool>::default();
        let feed = Feed { queue, is_doubted: is_doubted.clone() };
        (feed, Self { partition, queued, is_doubted, puts_off_doubt: false, consumer, offsets, config })
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
        let idle = Duration::from_millis(self.config.examine_ms);
        let Ok(first) = tokio::time::timeout(idle, self.queued.recv()).await else { return Some(Delivery::Doubt) };
        let Queued::Record(first) = first? else { return Some(self.doubt()) };
        let mut bytes = first.value.len();
        let mut batch = vec![first];
        let linger = tokio::time::sleep(Duration::from_millis(self.config.linger_ms));
        tokio::pin!(linger);
        while batch.len() < self.config.batch_records_max && bytes < self.config.batch_bytes_max {
            tokio::select! {
                biased;
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
}
