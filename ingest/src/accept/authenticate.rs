//! Who is speaking: `Authorization: Bearer KEY`, looked up by the key's SHA-256. Keys are never kept or logged.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use tidemark_schemas::tenant::{Access, Tenants};

use super::Rejection;

/// The tenant and source that the request's key stands for.
///
/// # Errors
/// 401 when the key is missing, malformed or unknown.
pub(crate) fn authenticate<'a>(tenants: &'a Tenants, headers: &HeaderMap) -> Result<&'a Access, Rejection> {
    let header = headers.get(AUTHORIZATION).ok_or_else(|| {
        Rejection::unauthorized("missing_key", "no API key: send it as `Authorization: Bearer KEY`; nothing was kept")
    })?;
    let key = header.to_str().ok().and_then(bearer).ok_or_else(|| {
        Rejection::unauthorized("malformed_key", "the Authorization header is not `Bearer KEY`; nothing was kept")
    })?;
    tenants
        .by_key_hash(&hex::encode(Sha256::digest(key)))
        .ok_or_else(|| Rejection::unauthorized("unknown_key", "no tenant has this API key; nothing was kept"))
}

/// The scheme's name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
