//! The metric and log vocabulary of query: every name it uses, in one place. No personal data in any of them.

use std::time::Duration;

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::{
    Error,
    http::request_id::{self, RequestId},
};

const REQUESTS: &str = "tidemark_query_requests_total";
const ANSWER_SECONDS: &str = "tidemark_query_answer_seconds";

const LISTENERS: &str = "tidemark_query_live_listeners";

const ANSWER_SECONDS_BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
const METADATA: Metadata<'static> = Metadata::new("tidemark_query", Level::INFO, Some("tidemark_query"));

/// The service's own registry, so that several services in one process do not share one.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, Error> {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&ANSWER_SECONDS_BUCKETS)
            .map_err(|error| Error::Metrics(error.to_string()))?
            .build_recorder();
        recorder.describe_counter(KeyName::from(REQUESTS), Some(Unit::Count), "Requests answered, by route and status.".into());
        let about = "From the request to its answer, by route; waiting for `after` counts.";
        recorder.describe_histogram(KeyName::from(ANSWER_SECONDS), Some(Unit::Seconds), about.into());
        recorder.describe_gauge(KeyName::from(LISTENERS), Some(Unit::Count), "Who listens to /v1/live now.".into());
        Ok(Self { handle: recorder.handle(), recorder })
    }

    /// One request was answered. Neither query strings nor SQL nor keys are logged.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let label = Label::new("route", route.to_owned());
        let counted = Key::from_parts(REQUESTS, vec![label.clone(), Label::new("status", status.to_string())]);
        self.recorder.register_counter(&counted, &METADATA).increment(1);
        let timed = Key::from_parts(ANSWER_SECONDS, vec![label]);
        self.recorder.register_histogram(&timed, &METADATA).record(took.as_secs_f64());
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let request_id = request_id::current();
        tracing::info!(method, route, status, took_ms, request_id = request_id.as_ref().map(RequestId::as_str), "answered");
    }

    /// So many listen now.
    pub(crate) fn listening(&self, listeners: usize) {
        self.recorder.register_gauge(&Key::from_static_name(LISTENERS), &METADATA).set(listeners as f64);
    }

    /// The registry in Prometheus' text form.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }
}
