//! `POST /v1/events`: the door for anything that speaks JSON, CloudEvents in every mode among it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::noted::{body_of, known, noted};
use crate::{
    accept::{Answer, Rejection, accept, authenticate::Caller, binary::structured, split::Form},
    service::Service,
    telemetry::AccessNote,
};

pub(crate) async fn post_events(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Response {
    noted(async |note| {
        let answer = take(&service, &headers, body, note).await?;
        note.accepted = Some(answer.accepted);
        note.problems = Some(answer.refused.len());
        Ok(answer)
    })
    .await
}

async fn take(service: &Service, headers: &HeaderMap, body: Body, note: &mut AccessNote) -> Result<Answer, Rejection> {
    let caller = known(service, headers, note)?;
    admit(service, &caller)?;
    let form = Form::of(headers)?;
    let body = body_of(service, headers, body, note).await?;
    if form == Form::BinaryCloudEvent {
        return accept(service, &caller, form, &structured(headers, &body.bytes)?).await;
    }
    accept(service, &caller, form, &body.bytes).await
}

/// Before the body is read, so that a sender which is too fast costs next to nothing.
pub(super) fn admit(service: &Service, caller: &Caller<'_>) -> Result<(), Rejection> {
    service.rate.admit(&caller.key_hash, service.clock.passed()).map_err(|wait| {
        let message = format!(
            "this key may send {} events a second; nothing was kept, send the same again later",
            service.rate.events_per_second_max()
        );
        Rejection::later(StatusCode::TOO_MANY_REQUESTS, "rate", message, whole_seconds(wait))
    })
}

/// Rounded up; `Retry-After` knows no smaller unit.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}
