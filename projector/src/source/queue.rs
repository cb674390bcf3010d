//! The queue between dispatch and a worker: records in batches, and doubts about the log in their place among them.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::Receiver;

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

/// The records of one partition of `crm.events`.
pub struct Queue {
    /// Partition of the log.
    pub partition: i32,
    /// From dispatch.
    pub queued: Receiver<Queued>,
    /// Only for the group's offsets.
    pub consumer: Arc<Consumer>,
    /// How far the partitions are.
    pub offsets: Arc<Offsets>,
    /// Bounds.
    pub config: Config,
    /// A doubt that came while a batch was collected.
    pub doubt: bool,
}

impl Records for Queue {
    /// Waits for a record, then takes what else is there within the linger and the bounds.
    async fn next(&mut self) -> Option<Delivery> {
        if std::mem::take(&mut self.doubt) {
            return Some(Delivery::Doubt);
        }
        let idle = Duration::from_millis(self.config.examine_ms);
        let Ok(first) = tokio::time::timeout(idle, self.queued.recv()).await else { return Some(Delivery::Doubt) };
        let Queued::Record(first) = first? else { return Some(Delivery::Doubt) };
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
                        self.doubt = true;
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
