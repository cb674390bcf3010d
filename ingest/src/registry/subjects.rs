//! `/subjects`, `/config` and `/mode`: which versions a record name has, and which of them a schema is.

use axum::{body::Bytes, extract::Path};
use serde::Serialize;
use tidemark_schemas::events::EventType;

use super::answer::{Refused, Said, Version, find_schema, find_version, read_proposal, subject, versions_of};

pub(crate) async fn names() -> Said<Vec<&'static str>> {
    let mut names: Vec<&str> = EventType::ALL.iter().map(|event_type| event_type.name()).collect();
    names.sort_unstable();
    Said(names)
}

pub(crate) async fn versions(Path(name): Path<String>) -> Result<Said<Vec<u32>>, Refused> {
    let event_type = subject(&name)?;
    Ok(Said(versions_of(event_type).map(|schema| schema.version).collect()))
}

pub(crate) async fn version(Path((name, version)): Path<(String, String)>) -> Result<Said<Version>, Refused> {
    Ok(Said(find_version(subject(&name)?, &version)?.into()))
}

/// The schema itself, not as a text inside JSON.
pub(crate) async fn text_of_version(Path((name, version)): Path<(String, String)>) -> Result<&'static str, Refused> {
    Ok(find_version(subject(&name)?, &version)?.text)
}

/// No schema of ours refers to another.
pub(crate) async fn refer_to(Path((name, version)): Path<(String, String)>) -> Result<Said<[u32; 0]>, Refused> {
    find_version(subject(&name)?, &version).map(|_| Said([]))
}

pub(crate) async fn look_up(Path(name): Path<String>, body: Bytes) -> Result<Said<Version>, Refused> {
    let event_type = subject(&name)?;
    Ok(Said(find_schema(event_type, read_proposal(&body)?.avro()?)?.into()))
}

#[derive(Serialize)]
pub(crate) struct Registered {
    id: u32,
}

/// Serializers register what they are about to write: what is there already is given its id, anything else is refused.
pub(crate) async fn register(Path(name): Path<String>, body: Bytes) -> Result<Said<Registered>, Refused> {
    let proposal = read_proposal(&body)?;
    let found = subject(&name).and_then(|event_type| find_schema(event_type, proposal.avro()?));
    match found {
        Ok(schema) => Ok(Said(Registered { id: schema.id })),
        Err(Refused::Subject(_) | Refused::Schema(_)) => Err(Refused::ReadOnly(name)),
        Err(other) => Err(other),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Level {
    compatibility_level: &'static str,
}

/// The same for every subject: each version can be read by and can read every other.
pub(crate) async fn compatibility_level() -> Said<Level> {
    Said(Level { compatibility_level: "FULL_TRANSITIVE" })
}

#[derive(Serialize)]
pub(crate) struct Mode {
    mode: &'static str,
}

pub(crate) async fn mode() -> Said<Mode> {
    Said(Mode { mode: "READONLY" })
}
