//! Clients that tests knock with at query's doors: JDBC drivers by Maven, node-postgres by npm. (Python's are in `python`.)

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::checksums::Pinned;
use super::{place, tools};
use crate::process;

/// JDBC drivers of one door: where they lie in the cache, and the Maven project that names them.
pub type Drivers = (&'static str, &'static str);
pub const JDBC: Drivers = ("jdbc", "pom.xml");
pub const FLIGHT_JDBC: Drivers = ("flight-jdbc", "flight/pom.xml");
/// Where node-postgres lies in the cache.
const NODE: &str = "node";
const NODE_LOCK: &str = include_str!("../../../../query/tests/it/clients/node/package-lock.json");
/// Written last, so that a directory without it is known to be incomplete.
const STAMP: &str = ".verified";

/// Fetches JDBC drivers unless they are there; says whether it did.
pub fn ensure_jdbc(cache: &Path, pinned: &Pinned, (name, project): Drivers) -> Result<bool> {
    let expected = pinned.of(name);
    let directory = cache.join(name);
    if place::is_there(&directory, &expected) {
        return Ok(false);
    }
    tools::MAVEN.require()?;
    place::put(&directory, &expected, |directory| {
        let mut maven = Command::new("mvn");
        maven
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(process::workspace().join("query/tests/it/clients/java").join(project))
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", directory.display()));
        process::quietly("JDBC drivers for the tests (by Maven)", &mut maven).map(drop)
    })?;
    Ok(true)
}

/// The same for node-postgres; npm checks it against the lock file.
pub fn ensure_node(cache: &Path) -> Result<bool> {
    let directory = cache.join(NODE);
    let stamp = directory.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == NODE_LOCK) {
        return Ok(false);
    }
    tools::NPM.require()?;
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    for file in ["package.json", "package-lock.json"] {
        let source = process::workspace().join("query/tests/it/clients/node").join(file);
        fs::copy(&source, directory.join(file)).with_context(|| format!("cannot copy {}", source.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&directory);
    process::quietly("node-postgres for the tests (by npm)", &mut npm)?;
    fs::write(&stamp, NODE_LOCK).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}
