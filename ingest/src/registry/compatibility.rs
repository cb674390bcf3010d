//! `/compatibility`: whether a schema could be the next version of its subject, read by all readers and reading all records.

use axum::{
    body::Bytes,
    extract::{Path, Query},
};
use serde::{Deserialize, Serialize};
use tidemark_schemas::events::wire::RegisteredSchema;

use super::{
    answer::{Refused, Said, find_version, read_proposal, subject, versions_of},
    readable::Readable,
};

#[derive(Debug, Deserialize)]
pub(crate) struct Verbosity {
    #[serde(default)]
    verbose: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    is_compatible: bool,
    /// Only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
}

/// Against one version, in both directions.
pub(crate) async fn check_against_one(
    Path((name, version)): Path<(String, String)>,
    Query(verbosity): Query<Verbosity>,
    body: Bytes,
) -> Result<Said<Verdict>, Refused> {
    let known = find_version(subject(&name)?, &version)?;
    judge(&body, std::iter::once(known), &verbosity)
}

/// Against every version, as our level of compatibility wants it.
pub(crate) async fn check_against_all(
    Path(name): Path<String>,
    Query(verbosity): Query<Verbosity>,
    body: Bytes,
) -> Result<Said<Verdict>, Refused> {
    judge(&body, versions_of(subject(&name)?), &verbosity)
}

fn judge(
    body: &[u8],
    known: impl Iterator<Item = &'static RegisteredSchema>,
    verbosity: &Verbosity,
) -> Result<Said<Verdict>, Refused> {
    let parse = |text: &str| Readable::parse(text).map_err(Refused::InvalidSchema);
    let proposed = parse(read_proposal(body)?.avro()?)?;
    let mut messages = Vec::new();
    for version in known {
        let current = parse(version.text)?;
        if let Err(error) = proposed.can_read(&current) {
            messages.push(format!("the new schema cannot read records of version {}: {error}", version.version));
        }
        if let Err(error) = current.can_read(&proposed) {
            messages.push(format!("version {} cannot read records of the new schema: {error}", version.version));
        }
    }
    Ok(Said(Verdict { is_compatible: messages.is_empty(), messages: verbosity.verbose.then_some(messages) }))
}
