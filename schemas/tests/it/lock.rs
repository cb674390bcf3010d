//! What was ever written with stays: every type has a history, the lock lists all of it, the newest version is current.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use tidemark_schemas::events::{
    EventType,
    wire::{current_schema, current_schema_text, schema_by_id, schemas},
};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(path)
}

/// The names of a folder's schema files without their ending.
fn schema_files(path: &str) -> BTreeSet<String> {
    let names = fs::read_dir(folder(path)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".avsc").map(str::to_owned)).collect()
}

#[test]
fn there_is_one_schema_for_every_type() {
    let types: BTreeSet<String> = EventType::ALL.iter().map(|event_type| event_type.name().to_owned()).collect();
    assert_eq!(schema_files(""), types);
}

#[test]
fn the_lock_lists_the_whole_history() {
    let listed: BTreeSet<String> =
        schemas().iter().map(|schema| format!("{}.{}", schema.event_type.name(), schema.version)).collect();
    assert_eq!(schema_files("history"), listed);
    assert_eq!(listed.len(), schemas().len(), "a version is listed twice");
    let mut versions: BTreeMap<EventType, Vec<u32>> = BTreeMap::new();
    for schema in schemas() {
        assert_eq!(schema_by_id(schema.id).unwrap().text, schema.text);
        versions.entry(schema.event_type).or_default().push(schema.version);
    }
    for (event_type, versions) in versions {
        assert!(versions.iter().copied().eq(1..=versions.len() as u32), "{}: versions {versions:?}", event_type.name());
    }
}

#[test]
fn the_current_schema_is_the_newest_of_the_history() {
    for event_type in EventType::ALL {
        let current = current_schema(*event_type);
        let newest = schemas().iter().filter(|schema| schema.event_type == *event_type).max_by_key(|schema| schema.version);
        assert_eq!(current.id, newest.unwrap().id);
        let text = current_schema_text(*event_type).unwrap();
        let name = event_type.name();
        assert_eq!(text, current.text, "{name}.avsc changed: add it to history/ as the next version, and to ids.lock");
    }
}
