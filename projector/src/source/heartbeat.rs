//! Heartbeat: how far each of our partitions was read and how far its log goes, said regularly, also when nothing happens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rdkafka::{consumer::Consumer as _, metadata::MetadataTopic};
use tidemark_schemas::log::EVENTS_TOPIC;
use tokio_util::sync::CancellationToken;

use super::{Consumer, Offsets, Status, consumer::ANSWER_WITHIN, log::Clock};
use crate::{
    Config, Error,
    metrics::Metrics,
    sink::{Heartbeat, Sink},
};

/// Runs until `shutdown`; a heartbeat that fails is said in the log and made up for by the next.
///
/// # Errors
/// [`Error::LogReplaced`]: the log ends before what was read of it.
#[expect(clippy::too_many_arguments, reason = "what it looks at and where it says it")]
pub async fn heartbeat<K: Sink>(
    config: Config,
    generation: u32,
    consumer: Arc<Consumer>,
    offsets: Arc<Offsets>,
    sink: Arc<K>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    statuses: Vec<Arc<Status>>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let mut beats = tokio::time::interval(Duration::from_millis(config.heartbeat_ms));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            _ = beats.tick() => {}
        }
        let (consumer, offsets, now_ms) = (consumer.clone(), offsets.clone(), clock.now_ms());
        let looked = tokio::task::spawn_blocking(move || look(&consumer, &offsets, now_ms)).await;
        let written = match looked {
            Ok(Ok(mut beats)) => {
                for beat in &mut beats {
                    let status = usize::try_from(beat.partition).ok().and_then(|partition| statuses.get(partition));
                    beat.stalled = status.and_then(|status| status.stalled()).unwrap_or_default();
                }
                beats.iter().for_each(|beat| metrics.behind(beat.partition, beat.end_position - beat.position));
                if beats.is_empty() { Ok(()) } else { sink.heartbeat(generation, &beats).await }
            }
            Ok(Err(error)) => Err(error),
            Err(error) => Err(Error::Internal(error.to_string())),
        };
        if let Err(error @ Error::LogReplaced { .. }) = written {
            return Err(error);
        }
        if let Err(error) = written {
            tracing::warn!(%error, "no heartbeat");
        }
    }
}

fn look(consumer: &Consumer, offsets: &Offsets, now_ms: i64) -> Result<Vec<Heartbeat>, Error> {
    let metadata = consumer.fetch_metadata(Some(EVENTS_TOPIC), ANSWER_WITHIN)?;
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let copies: BTreeMap<i32, usize> = partitions.map(|partition| (partition.id(), partition.isr().len())).collect();
    let beat = |partition| {
        // The end first: a position taken before it could be from before records that the end already counts.
        let read_before = offsets.next(partition);
        let (_, high) = consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?;
        if high < read_before {
            let what = format!("the log ends at offset {high}, but {read_before} records were read from it before");
            return Err(Error::LogReplaced { partition, what });
        }
        let copies = copies.get(&partition).and_then(|copies| i32::try_from(*copies).ok()).unwrap_or(0);
        let (position, end_position) = (offsets.next(partition) - 1, high - 1);
        Ok(Heartbeat { partition, position, end_position, copies, written_at: now_ms, stalled: String::new() })
    };
    offsets.assigned().into_iter().map(beat).collect()
}
