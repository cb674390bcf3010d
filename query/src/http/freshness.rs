//! `GET /v1/freshness`: how far a tenant's numbers are, and what could not be counted.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::{
    Error,
    access::authenticate,
    service::Service,
    trust::{Finding, Trust, stamp},
};

/// How far a tenant's numbers are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Freshness {
    /// Last position of the partition's log when the projector looked.
    end_position: Option<i64>,
    /// What could not be counted, by kind, with examples.
    not_counted: Vec<Finding>,
    /// The stamp that an answer would carry now.
    #[serde(flatten)]
    trust: Trust,
}

/// How far the key's tenant is.
#[utoipa::path(get, path = "/v1/freshness", security(("key" = [])), responses(
    (status = 200, body = Freshness),
    (status = 401, body = Problem),
    (status = 503, body = Problem, description = "ClickHouse does not answer"),
))]
pub(crate) async fn freshness(State(service): State<Arc<Service>>, headers: HeaderMap) -> Result<Json<Freshness>, Error> {
    let access = authenticate(&service.tenants, &headers)?;
    let answered = async {
        let generation = service.live.read(&service.clickhouse).await?.number;
        let (trust, pulse) = stamp(&service, &access, generation, service.config.finding_examples_max).await?;
        let end_position = pulse.heartbeat.as_ref().map(|beat| beat.end_position);
        Ok(Freshness { end_position, not_counted: pulse.findings, trust })
    };
    service.bounded(&access, answered).await.map(Json)
}
