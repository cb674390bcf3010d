//! Who is asking: `Authorization: Bearer KEY`, or the password of a login, looked up by the key's SHA-256. Keys are never kept or logged.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use tidemark_schemas::tenant::{Access, Tenants};

use crate::Error;

/// What the request's key stands for.
///
/// # Errors
/// A key that is missing, malformed or unknown.
pub(crate) fn authenticate(tenants: &Tenants, headers: &HeaderMap) -> Result<Access, Error> {
    authenticate_text(tenants, headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok()))
}

/// The same from the header's text.
///
/// # Errors
/// As [`authenticate`].
pub(crate) fn authenticate_text(tenants: &Tenants, header: Option<&str>) -> Result<Access, Error> {
    access_of(tenants, &key_of(header)?).ok_or(Error::UnknownKey)
}

/// The key of `Bearer KEY`, or of `Basic` with the key as the password, for programs that know nothing else.
///
/// # Errors
/// Neither.
pub(crate) fn key_of(header: Option<&str>) -> Result<String, Error> {
    let (scheme, credentials) = header.and_then(|header| header.split_once(' ')).ok_or(Error::MissingKey)?;
    let credentials = credentials.trim();
    // The scheme's name is not case-sensitive (RFC 9110, section 11.1).
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        Some(credentials.to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(credentials).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned()))
    } else {
        None
    };
    key.filter(|key| !key.is_empty()).ok_or(Error::MissingKey)
}

/// What a key stands for.
pub(crate) fn access_of(tenants: &Tenants, key: &str) -> Option<Access> {
    tenants.by_key_hash(&hex::encode(Sha256::digest(key))).cloned()
}
