//! `/schemas`: from the id that a record carries to its schema.

use axum::extract::Path;
use serde::Serialize;
use tidemark_schemas::events::wire::{RegisteredSchema, schema_by_id, schemas};

use super::answer::{Refused, Said, Version};

#[derive(Serialize)]
pub(crate) struct Schema {
    schema: &'static str,
}

pub(crate) async fn by_id(Path(id): Path<String>) -> Result<Said<Schema>, Refused> {
    Ok(Said(Schema { schema: find(&id)?.text }))
}

/// The schema itself, not as a text inside JSON.
pub(crate) async fn text_by_id(Path(id): Path<String>) -> Result<&'static str, Refused> {
    Ok(find(&id)?.text)
}

pub(crate) async fn subjects_of(Path(id): Path<String>) -> Result<Said<[&'static str; 1]>, Refused> {
    Ok(Said([find(&id)?.event_type.name()]))
}

#[derive(Serialize)]
pub(crate) struct SubjectVersion {
    subject: &'static str,
    version: u32,
}

pub(crate) async fn versions_of(Path(id): Path<String>) -> Result<Said<[SubjectVersion; 1]>, Refused> {
    let schema = find(&id)?;
    Ok(Said([SubjectVersion { subject: schema.event_type.name(), version: schema.version }]))
}

pub(crate) async fn all() -> Said<Vec<Version>> {
    Said(schemas().iter().map(Version::from).collect())
}

pub(crate) async fn types() -> Said<[&'static str; 1]> {
    Said(["AVRO"])
}

/// One, without a name.
pub(crate) async fn contexts() -> Said<[&'static str; 1]> {
    Said(["."])
}

/// Records carry the id in four bytes; what is no such number is no schema's id.
fn find(id: &str) -> Result<&'static RegisteredSchema, Refused> {
    id.parse().ok().and_then(schema_by_id).ok_or_else(|| Refused::Schema(id.to_owned()))
}
