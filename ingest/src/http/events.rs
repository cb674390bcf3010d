//! `POST /v1/events`: the door for anything that speaks JSON.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use super::body::read_body;
use crate::{
    accept::{Answer, Rejection, accept, authenticate::authenticate, split::Form},
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
    let access = authenticate(&service.tenants, headers)?;
    note.tenant = Some(access.tenant.to_string());
    let form = Form::of(headers)?;
    let body = read_body(service, headers, body).await?;
    note.body_bytes = Some(body.bytes.len());
    accept(service, access, form, &body.bytes).await
}
