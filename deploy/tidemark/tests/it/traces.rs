//! One event followed from its request to its cells, by a collector that receives OTLP over HTTP as a real one does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Attribute};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use prost::Message;
use serde_json::json;

use crate::stack::{KEY, Stack};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00f067aa0ba902b7";
/// Spans are sent every half second; the machine may be busy.
const ARRIVE_WITHIN: Duration = Duration::from_secs(30);

/// Everything that was received, in the order of arrival.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let router = Router::new().route("/v1/traces", post(receive)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().clone()
    }

    async fn until(&self, name: &str) -> Vec<Span> {
        let started = Instant::now();
        while !self.spans().iter().any(|span| span.name == name) {
            assert!(started.elapsed() < ARRIVE_WITHIN, "no span {name}: {:?}", self.spans());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.spans()
    }
}

async fn receive(State(collector): State<Collector>, body: Bytes) -> Vec<u8> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    ExportTraceServiceResponse::default().encode_to_vec()
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key).and_then(|attribute| attribute.value.clone()?.value);
    match found {
        Some(Attribute::StringValue(text)) => text,
        Some(Attribute::IntValue(number)) => number.to_string(),
        other => panic!("{key} is {other:?} in {attributes:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_request_to_the_committed_cell() {
    let (collector, url) = Collector::start().await;
    // Nothing by chance: only what a sender traces.
    let settings = [("TIDEMARK_TELEMETRY__OTLP_ENDPOINT", url), ("TIDEMARK_TELEMETRY__SAMPLING_RATIO", "0.0".to_owned())];
    let mut stack = Stack::start_as(&["--time-zone", "Asia/Shanghai", "--currency", "CNY"], &settings);
    let visit = |id: &str| {
        json!({ "type": "visit.completed", "event_id": id, "rep_id": "R-secret", "occurred_at": "2026-03-05T10:00:00+08:00",
                "data": { "visit_id": id, "purpose": "about 424242 secrets" } })
    };
    stack.post(&visit("untraced")).await;
    let request = reqwest::Client::new().post(format!("{}/v1/events", stack.ingest())).bearer_auth(KEY);
    let request = request.header("traceparent", format!("00-{TRACE}-{SENDER}-01")).header("x-request-id", "req-1");
    let answer: serde_json::Value = request.json(&visit("traced")).send().await.unwrap().json().await.unwrap();
    let position = answer["position"].as_str().unwrap();
    let kpi =
        stack.get(&format!("/v1/kpis/visits?from=2026-03-01&to=2026-03-31&grain=month&rep=R-secret&after={position}")).await;
    assert_eq!(kpi["rows"][0]["value"], "2", "{kpi}");

    let spans = collector.until("project").await;
    assert!(spans.iter().all(|span| hex::encode(&span.trace_id) == TRACE), "{spans:?}");
    let by_id: BTreeMap<&[u8], &Span> = spans.iter().map(|span| (span.span_id.as_slice(), span)).collect();
    let child_of = |parent: &str, name: &str| {
        let is_child = |span: &&Span| {
            let above = by_id.get(span.parent_span_id.as_slice()).map_or("sender", |above| above.name.as_str());
            span.name == name && above == parent
        };
        spans.iter().find(is_child).unwrap_or_else(|| panic!("no {name} below {parent} in {spans:?}"))
    };
    let request = child_of("sender", "POST /v1/events");
    assert_eq!((hex::encode(&request.parent_span_id).as_str(), request.kind), (SENDER, SpanKind::Server as i32));
    assert_eq!(text(&request.attributes, "http.response.status_code"), "200");
    assert_eq!(text(&request.attributes, "tidemark.request_id"), "req-1");
    child_of("POST /v1/events", "validate");
    let publish = child_of("POST /v1/events", "publish");
    assert_eq!(text(&publish.attributes, "tidemark.position"), position);
    let project = child_of("publish", "project");
    for (key, value) in [("tenant", "demo"), ("event.types", "visit.completed"), ("position", position)] {
        assert_eq!(text(&project.attributes, &format!("tidemark.{key}")), value);
    }
    let stages = ["fold", "measure", "write", "publish", "commit"].map(|stage| child_of("project", stage));
    for pair in stages.windows(2) {
        assert!(pair[0].end_time_unix_nano <= pair[1].start_time_unix_nano, "{} before {}", pair[0].name, pair[1].name);
    }
    let last = spans.iter().filter(|span| span.name != "project").max_by_key(|span| span.end_time_unix_nano).unwrap();
    assert_eq!(last.name, "commit");

    stack.interrupt();
    let everything = format!("{spans:?}");
    let log = std::fs::read_to_string(stack.state().join("up.log")).unwrap();
    assert!(log.contains("request_id=\"req-1\"") && log.contains("route=\"/v1/kpis/{name}\""), "{log}");
    for personal in ["R-secret", "424242", KEY] {
        assert!(!everything.contains(personal), "{personal} is in a span");
        assert!(!log.contains(personal), "{personal} is in the log:\n{log}");
    }
}
