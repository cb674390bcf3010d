//! The topic `crm.changes`, read from its end by one consumer for all who listen. What it names was written before. Kafka may
//! come and go: whenever reading begins anew, changes may have been missed, and everybody is asked anew.

use std::{
    borrow::Cow,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, KafkaResult},
};
use serde::Deserialize;
use tidemark_schemas::{connect::KafkaConfig, log::CHANGES_TOPIC};

use crate::service::Service;

/// For Kafka to say where a partition ends.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Before it is tried again to read.
const PAUSE: Duration = Duration::from_secs(1);
/// Memory for what was fetched and not read yet, which is little: nobody is waited for.
const FETCHED_KILOBYTES_MAX: &str = "8192";

/// What a record says; which cells moved is not needed here.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Change<'a> {
    generation: u32,
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    kpi: Cow<'a, str>,
    position: i64,
}

/// Follows for as long as it is let.
pub(super) async fn follow(service: Arc<Service>) {
    let mut is_said = false;
    loop {
        let Err(error) = follow_once(&service, &mut is_said).await;
        service.push.is_following.store(false, Ordering::Release);
        if !is_said {
            tracing::warn!(%error, "changes cannot be read from Kafka; until they can, listeners are told what is looked for");
            is_said = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow_once(service: &Arc<Service>, is_said: &mut bool) -> Result<std::convert::Infallible, KafkaError> {
    let kafka = service.kafka.clone();
    let opened = tokio::task::spawn_blocking(move || open(&kafka)).await;
    let consumer = opened.unwrap_or(Err(KafkaError::Canceled))?;
    service.push.is_following.store(true, Ordering::Release);
    service.push.board.shaken();
    *is_said = false;
    loop {
        // Any trouble at all: reading begins anew rather than that something is missed.
        let message = consumer.recv().await?;
        match serde_json::from_slice::<Change<'_>>(message.payload().unwrap_or_default()) {
            Ok(change) => tell(service, &change),
            Err(error) => {
                let (partition, offset) = (message.partition(), message.offset());
                tracing::warn!(%error, partition, offset, "a record of crm.changes cannot be read");
            }
        }
    }
}

/// A consumer that reads what comes from now on. It belongs to no group, as every process hears of everything.
fn open(kafka: &KafkaConfig) -> KafkaResult<StreamConsumer> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &kafka.brokers)
        .set("group.id", "tidemark-live")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("reconnect.backoff.max.ms", "1000")
        .set("queued.max.messages.kbytes", FETCHED_KILOBYTES_MAX)
        .create()?;
    let mut ends = TopicPartitionList::new();
    for partition in 0..kafka.partitions {
        // The end as it is now, not as it will be when Kafka is first asked for records.
        let (_, end) = consumer.fetch_watermarks(CHANGES_TOPIC, partition, ANSWER_WITHIN)?;
        ends.add_partition_offset(CHANGES_TOPIC, partition, Offset::Offset(end))?;
    }
    consumer.assign(&ends)?;
    Ok(consumer)
}

fn tell(service: &Service, change: &Change<'_>) {
    // Numbers that are being made anew change too, long before anybody sees them. Which are live is looked for elsewhere.
    if service.live.last().is_none_or(|live| live.number == change.generation) {
        service.push.board.changed(&change.tenant, &change.kpi, change.position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_the_projector_writes_them() {
        let written = r#"{"generation":1,"tenant":"acme","kpi":"visits","partition":3,"position":1042,
            "cells":[{"day":20000,"rep_id":"R-\"7\"","dims":["a"]}]}"#;
        let expected = Change { generation: 1, tenant: "acme".into(), kpi: "visits".into(), position: 1042 };
        assert_eq!(serde_json::from_str::<Change<'_>>(written).unwrap(), expected);
    }
}
