//! `POST /v1/events`: the door for anything that speaks JSON, CloudEvents in every mode among it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{body::read_body, encoding::Encoding};
use crate::{
    accept::{
        Answer, Rejection, accept,
        authenticate::{Caller, authenticate},
        binary::structured,
        split::Form,
    },
    service::Service,
    telemetry::AccessNote,
};

pub(crate) async fn post_events(State(service): State<Arc<Service>>, headers: HeaderMap, body: Body) -> Response {
    let mut note = AccessNote::default();
    let outcome = take(&service, &headers, body, &mut note).await;
    let mut response = match outcome {
        Ok(answer) => {
            note.accepted = Some(answer.accepted);
            note.problems = Some(answer.refused.len());
            answer.into_response()
        }
        Err(rejection) => rejection.into_response(),
    };
    response.extensions_mut().insert(note);
    response
}

async fn take(service: &Service, headers: &HeaderMap, body: Body, note: &mut AccessNote) -> Result<Answer, Rejection> {
    let caller = authenticate(&service.tenants, headers)?;
    note.tenant = Some(caller.access.tenant.to_string());
    admit(service, &caller)?;
    let form = Form::of(headers)?;
    let encoding = Encoding::of(headers)?;
    let body = read_body(service, headers, encoding, body).await?;
    note.body_bytes = Some(body.bytes.len());
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
