//! The metric and log vocabulary of ingest: every name it uses, in one place. No personal data in any of them.

use std::{collections::HashMap, time::Duration};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use opentelemetry::{global, trace::TraceContextExt};
use tidemark_schemas::log::{EVENTS_TOPIC, Position, TRACE_HEADER, TRACES};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    Error,
    http::request_id::{self, RequestId},
    publish::Batch,
};

const REQUESTS: &str = "tidemark_ingest_requests_total";
const BODY_BYTES: &str = "tidemark_ingest_body_bytes_total";
const EVENTS_ACCEPTED: &str = "tidemark_ingest_events_accepted_total";
const PROBLEMS: &str = "tidemark_ingest_problems_total";
const DEAD_LETTERS: &str = "tidemark_ingest_dead_letters_total";
const RESOLVED: &str = "tidemark_ingest_dead_letters_resolved_total";
const IN_FLIGHT_BYTES: &str = "tidemark_ingest_in_flight_bytes";
const PUBLISH_SECONDS: &str = "tidemark_ingest_publish_seconds";

const PUBLISH_SECONDS_BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];
const METADATA: Metadata<'static> = Metadata::new("tidemark_ingest", Level::INFO, Some("tidemark_ingest"));

/// The service's own registry, so that several services in one process do not share one.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    body_bytes: Counter,
    dead_letters: Counter,
    in_flight_bytes: Gauge,
    publish_seconds: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, Error> {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&PUBLISH_SECONDS_BUCKETS)
            .map_err(|error| Error::Metrics(error.to_string()))?
            .build_recorder();
        let describe = |name, unit, about: &'static str| recorder.describe_counter(KeyName::from(name), Some(unit), about.into());
        describe(REQUESTS, Unit::Count, "Requests answered, by route and status.");
        describe(BODY_BYTES, Unit::Bytes, "Bodies read.");
        describe(EVENTS_ACCEPTED, Unit::Count, "Events that Kafka has acknowledged, by type; duplicates count.");
        describe(PROBLEMS, Unit::Count, "What was wrong with refused events, by code; an event may have several.");
        describe(DEAD_LETTERS, Unit::Count, "Refused events and unreadable bodies that Kafka has acknowledged.");
        describe(RESOLVED, Unit::Count, "Dead letters that were dealt with, by how: replayed or dropped.");
        recorder.describe_gauge(KeyName::from(IN_FLIGHT_BYTES), Some(Unit::Bytes), "Bodies being worked on.".into());
        recorder.describe_histogram(KeyName::from(PUBLISH_SECONDS), Some(Unit::Seconds), "From queueing to Kafka's word.".into());
        Ok(Self {
            handle: recorder.handle(),
            body_bytes: recorder.register_counter(&Key::from_name(BODY_BYTES), &METADATA),
            dead_letters: recorder.register_counter(&Key::from_name(DEAD_LETTERS), &METADATA),
            in_flight_bytes: recorder.register_gauge(&Key::from_name(IN_FLIGHT_BYTES), &METADATA),
            publish_seconds: recorder.register_histogram(&Key::from_name(PUBLISH_SECONDS), &METADATA),
            recorder,
        })
    }

    /// One request was answered: counted, and a line in the access log without anything a person could be known by.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration, access: &AccessNote) {
        let labels = vec![Label::new("route", route.to_owned()), Label::new("status", status.to_string())];
        self.counter(REQUESTS, labels).increment(1);
        tracing::info!(
            method,
            route,
            status,
            took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            request_id = request_id::current().as_ref().map(RequestId::as_str),
            tenant = access.tenant.as_deref(),
            body_bytes = access.body_bytes,
            accepted = access.accepted,
            problems = access.problems,
            "answered"
        );
    }

    pub(crate) fn body_read(&self, bytes: usize) {
        self.body_bytes.increment(bytes as u64);
    }

    pub(crate) fn in_flight(&self, bytes: usize) {
        self.in_flight_bytes.set(bytes as f64);
    }

    pub(crate) fn published(&self, batch: &Batch, took: Duration) {
        self.publish_seconds.record(took.as_secs_f64());
        self.dead_letters.increment(batch.dead_letters() as u64);
        for (event_type, count) in &batch.accepted {
            self.counter(EVENTS_ACCEPTED, vec![Label::new("type", event_type.name())]).increment(*count);
        }
        for (code, count) in &batch.refused {
            self.counter(PROBLEMS, vec![Label::new("code", code.name())]).increment(*count);
        }
        for (how, count) in &batch.resolved {
            self.counter(RESOLVED, vec![Label::new("how", how.name())]).increment(*count as u64);
        }
    }

    fn counter(&self, name: &'static str, labels: Vec<Label>) -> Counter {
        self.recorder.register_counter(&Key::from_parts(name, labels), &METADATA)
    }

    /// In Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

/// The part of a trace in which events are judged.
pub(crate) fn validate_span(events: usize) -> Span {
    tracing::info_span!(target: TRACES, "validate", tidemark.events = events)
}

/// The part of a trace in which Kafka is waited for; what projectors do goes on from here.
pub(crate) fn publish_span(batch: &Batch) -> Span {
    tracing::info_span!(
        target: TRACES,
        "publish",
        otel.kind = "producer",
        otel.status_code = Empty,
        messaging.system = "kafka",
        messaging.destination.name = EVENTS_TOPIC,
        messaging.batch.message_count = batch.events(),
        tidemark.tenant = batch.tenant(),
        tidemark.event.types = batch.accepted.keys().map(|event_type| event_type.name()).collect::<Vec<_>>().join(","),
        tidemark.position = Empty,
    )
}

/// Says in the span how publishing went.
pub(crate) fn publish_ended(span: &Span, position: Result<Option<Position>, ()>) {
    match position {
        Ok(position) => span.record("tidemark.position", position.map(tracing::field::display)),
        Err(()) => span.record("otel.status_code", "ERROR"),
    };
}

/// The header by which projectors go on with the trace of this span; none where it is not sampled.
pub(crate) fn traceparent(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut headers));
    headers.remove(TRACE_HEADER)
}

/// What the access log may say about a request beyond its route.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessNote {
    pub(crate) tenant: Option<String>,
    pub(crate) body_bytes: Option<usize>,
    pub(crate) accepted: Option<usize>,
    pub(crate) problems: Option<usize>,
}
