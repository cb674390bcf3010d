//! Answers to paths and methods that do not exist, in the form of every other error.

use axum::http::{Method, StatusCode, Uri};

use crate::accept::Rejection;

pub(crate) async fn path(uri: Uri) -> Rejection {
    let message = format!("there is no {}: events go to POST /v1/events", uri.path());
    Rejection::new(StatusCode::NOT_FOUND, "unknown_path", message)
}

pub(crate) async fn method(method: Method, uri: Uri) -> Rejection {
    let message = format!("{} does not take {method}", uri.path());
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_method", message)
}
