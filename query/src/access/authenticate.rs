//! Who is asking: `Authorization: Bearer KEY`, looked up by the key's SHA-256. Keys are never kept or logged.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};
use tidemark_schemas::tenant::{Access, Tenants};

use crate::Error;

/// What the request's key stands for.
///
/// # Errors
/// A key that is missing, malformed or unknown.
pub(crate) fn authenticate(tenants: &Tenants, headers: &HeaderMap) -> Result<Access, Error> {
    let header = headers.get(AUTHORIZATION).ok_or(Error::MissingKey)?;
    let key = header.to_str().ok().and_then(bearer).ok_or(Error::MissingKey)?;
    tenants.by_key_hash(&hex::encode(Sha256::digest(key))).cloned().ok_or(Error::UnknownKey)
}

/// The scheme's name is not case-sensitive (RFC 9110, section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}
