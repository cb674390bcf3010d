//! Kafka's jars, by Maven from deploy/kafka-embedded/pom.xml.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::checksums::Pinned;
use super::{place, tools};
use crate::{cache, process};

/// Fetches the jars unless they are there; says whether it did.
pub fn ensure(cache: &Path, pinned: &Pinned) -> Result<bool> {
    let expected = pinned.of(cache::KAFKA);
    let directory = cache.join(cache::KAFKA);
    tools::require_java()?;
    if place::is_there(&directory, &expected) {
        return Ok(false);
    }
    tools::MAVEN.require()?;
    place::put(&directory, &expected, copy_jars)?;
    Ok(true)
}

fn copy_jars(directory: &Path) -> Result<()> {
    let pom = process::workspace().join("deploy/kafka-embedded/pom.xml");
    let mut maven = Command::new("mvn");
    maven
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", directory.display()));
    process::quietly("Kafka's jars (43 MB, by Maven)", &mut maven)?;
    Ok(())
}
