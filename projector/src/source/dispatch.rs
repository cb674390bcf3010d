//! Dispatch: hands records to the workers of their partitions. A worker that cannot keep up has its partition paused,
//! while polling goes on, so that the group does not take this process for dead.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rdkafka::{
    Message, TopicPartitionList,
    consumer::Consumer as _,
    message::{BorrowedMessage, Headers, Timestamp},
};
use tidemark_schemas::{
    events::wire::unframe,
    log::{EVENTS_TOPIC, REGISTRY_HEADER},
};
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::{Consumer, Feed, Queued};
use crate::{Error, pipeline::Record, registry::Registry, trace::Traces};

/// How often the overflow of a paused partition is offered to its worker again.
const OFFER_EVERY: Duration = Duration::from_millis(10);

/// Records that did not fit into their worker's queue, by partition; each such partition is paused.
type Overflow = BTreeMap<i32, VecDeque<Queued>>;

/// Runs until `shutdown`.
///
/// # Errors
/// Kafka's client failed for good.
pub async fn dispatch(
    consumer: &Consumer,
    workers: &[Feed],
    traces: &Traces,
    registry: &Registry,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let mut overflow = Overflow::new();
    let mut offers = tokio::time::interval(OFFER_EVERY);
    offers.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = offers.tick(), if !overflow.is_empty() => offer_again(consumer, workers, &mut overflow)?,
            received = consumer.recv() => match received {
                Ok(message) => {
                    let record = record(&message);
                    if let Some((id, _)) = unframe(&record.value).filter(|_| record.from_registry) {
                        tokio::select! {
                            () = shutdown.cancelled() => return Ok(()),
                            () = registry.learn(id) => {}
                        }
                    }
                    traces.notice(&message, record.schema(registry));
                    offer(consumer, workers, &mut overflow, message.partition(), Queued::Record(record))?;
                }
                Err(error) if consumer.client().fatal_error().is_some() => return Err(error.into()),
                Err(error) => {
                    let doubted: Vec<i32> =
                        (0..).zip(workers).filter(|(_, worker)| worker.doubts()).map(|(partition, _)| partition).collect();
                    // A broker that is away gives an error for every try to reach it.
                    if doubted.is_empty() {
                        tracing::debug!(%error, "Kafka");
                    } else {
                        tracing::warn!(%error, "Kafka");
                    }
                    for partition in doubted {
                        offer(consumer, workers, &mut overflow, partition, Queued::Doubt)?;
                    }
                }
            },
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let appended_at = match message.timestamp() {
        Timestamp::LogAppendTime(at) | Timestamp::CreateTime(at) => at,
        Timestamp::NotAvailable => 0,
    };
    Record {
        offset: message.offset(),
        appended_at,
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        from_registry: message.headers().is_some_and(|headers| headers.iter().any(|header| header.key == REGISTRY_HEADER)),
    }
}

fn offer(consumer: &Consumer, workers: &[Feed], overflow: &mut Overflow, partition: i32, queued: Queued) -> Result<(), Error> {
    if let Some(waiting) = overflow.get_mut(&partition) {
        waiting.push_back(queued);
        return Ok(());
    }
    let Some(worker) = usize::try_from(partition).ok().and_then(|partition| workers.get(partition)) else {
        return Err(Error::Invalid(format!("crm.events has a partition {partition} that is not configured")));
    };
    if let Err(TrySendError::Full(queued)) = worker.queue.try_send(queued) {
        consumer.pause(&one(partition)?)?;
        overflow.entry(partition).or_default().push_back(queued);
    }
    Ok(())
}

fn offer_again(consumer: &Consumer, workers: &[Feed], overflow: &mut Overflow) -> Result<(), Error> {
    for (partition, waiting) in overflow.iter_mut() {
        let Some(worker) = usize::try_from(*partition).ok().and_then(|partition| workers.get(partition)) else { continue };
        while let Some(queued) = waiting.pop_front() {
            if let Err(TrySendError::Full(queued)) = worker.queue.try_send(queued) {
                waiting.push_front(queued);
                break;
            }
        }
        if waiting.is_empty() {
            consumer.resume(&one(*partition)?)?;
        }
    }
    overflow.retain(|_, waiting| !waiting.is_empty());
    Ok(())
}

fn one(partition: i32) -> Result<TopicPartitionList, Error> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(EVENTS_TOPIC, partition, rdkafka::Offset::Invalid)?;
    Ok(list)
}
