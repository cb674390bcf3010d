//! Who is speaking: `Authorization: Bearer KEY`, looked up by the key's SHA-256. Keys are never kept or logged.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use tidemark_schemas::tenant::{Access, Tenants};

use super::Rejection;

/// Who sent a request.
pub(crate) struct Caller<'a> {
    pub(crate) access: &'a Access,
    /// The key's SHA-256 in hex.
    pub(crate) key_hash: String,
}

/// The tenant and source that the request's key stands for.
///
/// # Errors
/// 401 when the key is missing, malformed or unknown.
pub(crate) fn authenticate<'a>(tenants: &'a Tenants, headers: &HeaderMap) -> Result<Caller<'a>, Rejection> {
    let header = headers.get(AUTHORIZATION).ok_or_else(|| {
        Rejection::unauthorized("missing_key", "no API key: send it as `Authorization: Bearer KEY`; nothing was kept")
    })?;
    let key = header.to_str().ok().and_then(bearer).ok_or_else(|| {
        Rejection::unauthorized("malformed_key", "the Authorization header is not `Bearer KEY`; nothing was kept")
    })?;
    let key_hash = hex::encode(Sha256::digest(key));
    let access = tenants.by_key_hash(&key_hash);
    let unknown = || Rejection::unauthorized("unknown_key", "no tenant has this API key; nothing was kept");
    Ok(Caller { access: access.ok_or_else(unknown)?, key_hash })
}

/// The scheme's name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
