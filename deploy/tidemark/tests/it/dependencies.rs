//! Dependencies point one way: `schemas` ← `ingest | projector | query` ← `deploy`. The services meet in Kafka and ClickHouse only.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::MetadataCommand;

/// Everything of ours that a crate of ours may use.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("tidemark-schemas", &[]),
    ("tidemark-ingest", &["tidemark-schemas"]),
    ("tidemark-projector", &["tidemark-schemas"]),
    ("tidemark-query", &["tidemark-schemas"]),
    // The naive model proves the projector right, so it may not share a line with it.
    ("tidemark-verify", &["tidemark-schemas"]),
    // Runs the projector's code in a world of its own and holds it against the naive model.
    ("tidemark-simulator", &["tidemark-projector", "tidemark-schemas", "tidemark-verify"]),
    ("clickhouse-embedded", &[]),
    ("xtask", &[]),
    ("tidemark-ports", &[]),
    // Starts the product; knows of it what a company and a partition are.
    ("tidemark-stage", &["tidemark-ports", "tidemark-schemas"]),
    // Measures from outside; knows of the product what the topic is called.
    ("tidemark-bench", &["tidemark-schemas", "tidemark-stage"]),
    // Reads events as ingest does, to know what it acknowledged; everything else it sees from outside.
    ("tidemark-chaos", &["tidemark-ingest", "tidemark-schemas", "tidemark-stage", "tidemark-verify"]),
    (
        "tidemark",
        &[
            "clickhouse-embedded",
            "tidemark-ingest",
            "tidemark-ports",
            "tidemark-projector",
            "tidemark-query",
            "tidemark-schemas",
            "tidemark-verify",
        ],
    ),
];

#[test]
fn the_services_do_not_know_each_other() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    for package in &metadata.packages {
        let allowed = allowed.get(package.name.as_str()).unwrap_or_else(|| panic!("{}: say here what it may use", package.name));
        // What tests use is no dependency of the service: a test may start the engine, or ask the naive model.
        let normal = package.dependencies.iter().filter(|used| used.kind != cargo_metadata::DependencyKind::Development);
        for used in normal.filter(|used| ours.contains(&used.name)) {
            assert!(allowed.contains(&used.name.as_str()), "{} may not depend on {}", package.name, used.name);
        }
    }
}
