//! How long the log is, asked of Kafka.

use std::time::Duration;

use anyhow::Result;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tidemark_schemas::log::EVENTS_TOPIC;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Records of each partition.
pub async fn ends(brokers: String, partitions: i32) -> Result<Vec<i64>> {
    let ask = move || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("group.id", "tidemark-bench").set("log_level", "0");
        let consumer: BaseConsumer = config.create()?;
        let end = |partition| Ok(consumer.fetch_watermarks(EVENTS_TOPIC, partition, ANSWER_WITHIN)?.1);
        (0..partitions).map(end).collect()
    };
    tokio::task::spawn_blocking(ask).await?
}
