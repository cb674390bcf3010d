//! `/healthz` (the process answers), `/readyz` (Kafka does too, and how safe its copies are) and `/metrics`.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    publish::{TopicReport, metadata},
    service::Service,
};

#[derive(Serialize)]
struct Readiness<'a> {
    ready: bool,
    kafka: Reached,
    /// Copies that an acknowledged event is sure to be on.
    copies: usize,
    /// Present when an acknowledged event could be lost with one disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
    /// As they were at start.
    topics: &'a [TopicReport],
}

#[derive(Serialize)]
struct Reached {
    reachable: bool,
    brokers: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

pub(crate) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let kafka = match metadata(&service.log, Duration::from_millis(service.config.ready_timeout_ms)).await {
        Ok(metadata) => Reached { reachable: true, brokers: metadata.brokers().len(), reason: None },
        Err(error) => Reached { reachable: false, brokers: 0, reason: Some(error.to_string()) },
    };
    let readiness = Readiness {
        ready: kafka.reachable,
        kafka,
        copies: copies(&service),
        warning: (!is_safe(&service.topics)).then_some(
            "fewer than 3 replicas or min.insync.replicas below 2: an acknowledged event may be lost with one broker's disk",
        ),
        topics: &service.topics,
    };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}

/// The fewest copies that any topic guarantees.
pub(crate) fn copies(service: &Service) -> usize {
    service.topics.iter().map(TopicReport::copies).min().unwrap_or(0)
}

fn is_safe(topics: &[TopicReport]) -> bool {
    topics.iter().all(|topic| topic.replication >= 3 && topic.min_insync >= 2)
}

pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    service.metrics.in_flight(service.in_flight_bytes());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], service.metrics.render()).into_response()
}
