//! `x-request-id`: the sender's where it is one, else made here. It is in the answer, in its problem and in the access log,
//! so that each leads to the others.

use std::sync::Arc;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use serde::Serialize;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const BYTES_MAX: usize = 64;

tokio::task_local! {
    /// Of the request that this task answers.
    static CURRENT: RequestId;
}

/// Letters, digits and `-_.:`, which hold no address and no name with a space, and cannot break a log line.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RequestId(Arc<str>);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn sent(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(HEADER)?.to_str().ok()?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        (is_plain && (1..=BYTES_MAX).contains(&text.len())).then(|| Self(text.into()))
    }

    fn made() -> Self {
        Self(uuid::Uuid::new_v4().simple().to_string().into())
    }
}

/// The id of the request that is being answered; none outside of one.
pub(crate) fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let id = RequestId::sent(request.headers()).unwrap_or_else(RequestId::made);
    let mut response = CURRENT.scope(id.clone(), next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
