//! Traces: an event that its sender traces (W3C Trace Context, in the record's header) is followed until its cells are
//! committed. Nothing is kept or made for events that nobody traces. No amounts and no personal data in attributes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use opentelemetry::{Context, global, trace::TraceContextExt};
use rdkafka::{
    Message,
    message::{BorrowedMessage, Headers},
};
use tidemark_schemas::{
    events::wire::RegisteredSchema,
    log::{EVENTS_TOPIC, Position, TRACE_HEADER, TRACES},
};
use tracing::{Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::pipeline::Record;

/// Traced records that wait for their batch; beyond it the oldest is no longer followed.
const WAITING_MAX: usize = 4_096;
/// Traces that go on in one batch; the others end at ingest.
const TRACES_PER_BATCH_MAX: usize = 32;

/// The traced records between Kafka and their batch, by partition and offset.
#[derive(Default)]
pub struct Traces {
    waiting: Mutex<BTreeMap<(i32, i64), Traced>>,
}

struct Traced {
    sender: Context,
    tenant: String,
    event_type: &'static str,
}

impl Traces {
    /// Looks whether a record that has arrived is traced.
    pub fn notice(&self, message: &BorrowedMessage<'_>, schema: Option<&RegisteredSchema>) {
        if !tracing::span_enabled!(target: TRACES, Level::INFO, "project") {
            return;
        }
        let Some(headers) = message.headers() else { return };
        let sent = headers.iter().find(|header| header.key == TRACE_HEADER);
        let Some(sent) = sent.and_then(|header| std::str::from_utf8(header.value?).ok()) else { return };
        let carrier = HashMap::from([(TRACE_HEADER.to_owned(), sent.to_owned())]);
        let sender = global::get_text_map_propagator(|propagator| propagator.extract(&carrier));
        if !sender.span().span_context().is_sampled() {
            return;
        }
        let tenant = String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned();
        let event_type = schema.map_or("unknown", |schema| schema.event_type.name());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert((message.partition(), message.offset()), Traced { sender, tenant, event_type });
        while waiting.len() > WAITING_MAX {
            waiting.pop_first();
        }
    }

    /// The spans of an attempt at a batch, which goes on with the traces of its records.
    pub fn batch(&self, partition: i32, records: &[Record]) -> BatchTrace {
        let offsets = records.first().map_or(0, |first| first.offset)..=records.last().map_or(0, |last| last.offset);
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut by_trace: BTreeMap<_, Vec<(i64, &Traced)>> = BTreeMap::new();
        for (&(_, offset), traced) in waiting.range((partition, *offsets.start())..=(partition, *offsets.end())) {
            let sender = traced.sender.span().span_context().clone();
            by_trace.entry((sender.trace_id().to_bytes(), sender.span_id().to_bytes())).or_default().push((offset, traced));
        }
        let mut spans = by_trace.values().take(TRACES_PER_BATCH_MAX).map(|records| project_span(partition, records));
        let Some(first) = spans.next() else { return BatchTrace { first: Span::none(), others: Vec::new() } };
        // A batch is worked on once: its stages are in one of the traces, and the others say where.
        let others: Vec<Span> = spans.collect();
        for other in &others {
            other.add_link(first.context().span().span_context().clone());
        }
        BatchTrace { first, others }
    }

    /// Everything before `next_offset` is committed.
    pub fn committed(&self, partition: i32, next_offset: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((&key, _)) = waiting.range((partition, i64::MIN)..(partition, next_offset)).next() {
            waiting.remove(&key);
        }
    }
}

/// One span in each trace that goes through a batch; they end when it is dropped.
pub struct BatchTrace {
    first: Span,
    others: Vec<Span>,
}

impl BatchTrace {
    /// The span that the stages belong to; none where nothing is traced.
    pub fn span(&self) -> Span {
        self.first.clone()
    }

    /// Says in all of them that the attempt failed.
    pub fn failed(&self) {
        for span in std::iter::once(&self.first).chain(&self.others) {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// The span of one trace's records of a batch: from the beginning of the work on them until they are committed.
fn project_span(partition: i32, records: &[(i64, &Traced)]) -> Span {
    let (offset, traced) = records[records.len() - 1];
    let types: BTreeSet<&str> = records.iter().map(|(_, traced)| traced.event_type).collect();
    let span = tracing::info_span!(
        target: TRACES,
        "project",
        otel.kind = "consumer",
        otel.status_code = tracing::field::Empty,
        messaging.system = "kafka",
        messaging.destination.name = EVENTS_TOPIC,
        messaging.batch.message_count = records.len(),
        tidemark.tenant = traced.tenant,
        tidemark.event.types = types.into_iter().collect::<Vec<_>>().join(","),
        tidemark.position = %Position { partition, offset },
    );
    if let Err(error) = span.set_parent(traced.sender.clone()) {
        tracing::debug!(%error, "the sender's trace cannot be gone on with");
    }
    span
}

/// A stage of the batch that is being worked on; none where it is not traced.
pub fn stage(name: &'static str) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    tracing::info_span!(target: TRACES, "stage", otel.name = name)
}
