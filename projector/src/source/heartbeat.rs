//! Heartbeat: how far each of our partitions was read and how far its log goes, said regularly, also when nothing happens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{consumer::Consumer as _, metadata::MetadataTopic};
use tidemark_schemas::log::EVENTS_TOPIC;
use tokio_util::sync::CancellationToken;

use super::{Consumer, Offsets, consumer::ANSWER_WITHIN, worker::now_ms};
use crate::{
    Config, Error,
    metrics::Metrics,
    sink::{Heartbeat, Sink},
};

/// Runs until `shutdown`; a heartbeat that fails is said in the log and made up for by the next.
pub async fn heartbeat<K: Sink>(
    config: Config,
    generation: u32,
    consumer: Arc<Consumer>,
    offsets: Arc<Offsets>,
    sink: Arc<K>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
) {
    let mut beats = tokio::time::interval(Duration::from_millis(config.heartbeat_ms));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = beats.tick() => {}
        }
        let (consumer, offsets) = (consumer.clone(), offsets.clone());
        let looked = tokio::task::spawn_blocking(move || look(&consumer, &offsets)).await;
        let written = match looked {
            Ok(Ok(beats)) => {
                beats.iter().for_each(|beat| metrics.behind(beat.partition, beat.end_position - beat.position));
                if beats.is_empty() { Ok(()) } else { sink.heartbeat(generation, &beats).await }
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(Error::Internal(error.to_string())),
        };
        if let Err(error) = written {
            tracing::warn!(%error, "no heartbeat");
        }
    }
}

fn look(consumer: &Consumer, offsets: &Offsets) -> Result<Vec<Heartbeat>, Error> {
    let metadata = consumer.fetch_metadata(Some(EVENTS_TOPIC), ANSWER_WITHIN)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let copies: BTreeMap<i32, usize> = partitions.map(|partition| (partition.id(), partition.isr().len())).collect();
    let beat = |partition| {
        // The end first: a position taken before it could be from before records that the end already counts.
        let (_, high) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?;
        let copies = copies.get(&partition).and_then(|copies| i32::try_from(*copies).ok()).unwrap_or(0);
        Ok(Heartbeat { partition, position: offsets.next(partition) - 1, end_position: high - 1, copies, written_at: now_ms() })
    };
    offsets.assigned().into_iter().map(beat).collect()
}
