//! What is asked of doors that do not exist.

use axum::http::{Method, Uri};

use crate::Error;

pub(crate) async fn path(uri: Uri) -> Error {
    Error::UnknownPath(uri.path().chars().take(100).collect())
}

pub(crate) async fn method(method: Method, uri: Uri) -> Error {
    Error::Method { method: method.to_string(), path: uri.path().chars().take(100).collect() }
}
