//! Publish: which cells moved, for whoever follows numbers live; and records that say nothing, as dead letters.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tidemark_schemas::{
    connect::KafkaConfig,
    log::{CHANGES_TOPIC, DEAD_TOPIC, EVENTS_TOPIC},
};

use super::log::{Changes, Clock};
use crate::{
    Error,
    measure::CellKey,
    pipeline::{Poison, Rows},
};

/// Cells named in one message; where more moved, the message says only that.
const CELLS_MAX: usize = 1_000;
/// Bytes of one message about cells; where naming them takes more, the message says only that they moved.
const CHANGE_BYTES_MAX: usize = 256 << 10;
/// Bytes of one dead letter: an unreadable record in hex. Below what ingest lets `crm.dead` hold.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Longest wait for a message to be acknowledged.
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);

/// The producer of `crm.changes` and of the projector's dead letters.
#[derive(Clone)]
pub struct Publisher {
    producer: FutureProducer,
    clock: Arc<dyn Clock>,
}

/// The value of a `crm.changes` record.
#[derive(Serialize)]
struct Change<'a> {
    generation: u32,
    tenant: &'a str,
    kpi: &'a str,
    partition: i32,
    position: i64,
    /// The cells that moved; absent where there are too many to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    cells: Option<Vec<ChangedCell<'a>>>,
}

#[derive(Serialize)]
struct ChangedCell<'a> {
    day: i32,
    rep_id: &'a str,
    dims: &'a [Arc<str>],
}

/// The value of a `crm.dead` record, in the shape that ingest writes.
#[derive(Serialize)]
struct DeadLetter<'a> {
    id: String,
    tenant: &'a str,
    source: &'static str,
    received_at: i64,
    reasons: [Reason<'a>; 1],
    encoding: &'static str,
    body: String,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'static str,
    message: &'a str,
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// Settings that Kafka's client refuses.
    pub fn connect(kafka: &KafkaConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &kafka.brokers)
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("message.timeout.ms", ACKNOWLEDGED_WITHIN.as_millis().to_string())
            .create()?;
        Ok(Self { producer, clock })
    }

    async fn send(&self, rows: &Rows) -> Result<(), Error> {
        let now_ms = self.clock.now_ms();
        let mut messages = Vec::new();
        for (tenant, tenant_rows) in &rows.tenants {
            for (kpi, cells) in by_kpi(tenant_rows.cells.keys()) {
                let cells = (cells.len() <= CELLS_MAX).then(|| cells.into_iter().map(ChangedCell::from).collect());
                let (partition, position) = (rows.watermark.partition, rows.watermark.to);
                let change = Change { generation: rows.generation, tenant, kpi, partition, position, cells };
                messages.push((CHANGES_TOPIC, tenant.to_string(), bounded(change)?));
            }
        }
        for poison in &rows.poison {
            let tenant = poison.tenant.as_deref().unwrap_or_default();
            messages.push((DEAD_TOPIC, tenant.to_owned(), json(&dead_letter(poison, rows.watermark.partition, tenant, now_ms))?));
        }
        let sends = messages.iter().map(|(topic, key, value)| {
            let record = FutureRecord::to(topic).key(key.as_str()).payload(value.as_slice());
            self.producer.send(record, ACKNOWLEDGED_WITHIN)
        });
        for sent in futures::future::join_all(sends).await {
            sent.map_err(|(error, _)| Error::from(error))?;
        }
        Ok(())
    }

    /// Waits for what is on its way.
    pub fn flush(&self) {
        if let Err(error) = self.producer.flush(Duration::from_secs(1)) {
            tracing::warn!(%error, "changes were not flushed");
        }
    }
}

impl Changes for Publisher {
    fn publish<'a>(&'a self, rows: &'a Rows) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.send(rows))
    }
}

/// A message that Kafka takes, however long ids and dims are.
fn bounded(change: Change<'_>) -> Result<Vec<u8>, Error> {
    let named = json(&change)?;
    if named.len() <= CHANGE_BYTES_MAX { Ok(named) } else { json(&Change { cells: None, ..change }) }
}

fn by_kpi<'a>(cells: impl Iterator<Item = &'a CellKey>) -> BTreeMap<&'a str, Vec<&'a CellKey>> {
    let mut by_kpi: BTreeMap<&str, Vec<&CellKey>> = BTreeMap::new();
    for cell in cells {
        by_kpi.entry(&cell.kpi).or_default().push(cell);
    }
    by_kpi
}

impl<'a> From<&'a CellKey> for ChangedCell<'a> {
    fn from(cell: &'a CellKey) -> Self {
        Self { day: cell.day, rep_id: &cell.rep_id, dims: &cell.dims }
    }
}

fn dead_letter<'a>(poison: &'a Poison, partition: i32, tenant: &'a str, now_ms: i64) -> DeadLetter<'a> {
    // The place in the log rather than the content: two equal unreadable records are two losses.
    let id = Sha256::digest(format!("{EVENTS_TOPIC}/{partition}/{}", poison.position));
    DeadLetter {
        id: hex::encode(id),
        tenant,
        source: "tidemark-projector",
        received_at: now_ms,
        reasons: [Reason { code: "unreadable_record", message: &poison.reason }],
        encoding: "hex",
        body: hex::encode(&poison.value),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_cells_is_bounded_whatever_their_names() {
        let rep_id = "R".repeat(500);
        let dims = vec![Arc::from("D".repeat(500)); 3];
        let change = |cells: usize| {
            let cells = (0..cells).map(|_| ChangedCell { day: 1, rep_id: &rep_id, dims: &dims }).collect();
            Change { generation: 1, tenant: "acme", kpi: "visits", partition: 0, position: 1, cells: Some(cells) }
        };
        assert!(String::from_utf8(bounded(change(2)).unwrap()).unwrap().contains("\"cells\""));
        let many = bounded(change(CELLS_MAX)).unwrap();
        assert!(many.len() < 200, "{}", many.len());
        assert!(!String::from_utf8(many).unwrap().contains("\"cells\""));
    }
}
