//! Putting a fetched directory in place: filled beside its final place, verified, stamped, then renamed into it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};

use super::checksums;

/// Written into a directory once its files were verified; holds the checksums they were verified against.
const STAMP: &str = ".verified";

/// True where the directory was verified against exactly these checksums.
pub fn is_there(directory: &Path, expected: &BTreeMap<&str, &str>) -> bool {
    let files = expected.keys().all(|file| directory.join(file).is_file());
    files && fs::read_to_string(directory.join(STAMP)).is_ok_and(|stamp| stamp == text_of(expected))
}

/// Lets `fill` fill a temporary directory, and moves it to `directory` if its files are the expected ones.
pub fn put(directory: &Path, expected: &BTreeMap<&str, &str>, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = directory.parent().context("a cached directory has a parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    // Beside its final place: a rename works only within one file system.
    let temporary = tempfile::Builder::new().prefix(".fetching-").tempdir_in(parent)?;
    let filled = temporary.path().join("filled");
    fs::create_dir(&filled)?;
    fill(&filled)?;
    checksums::verify(&filled, expected)?;
    fs::write(filled.join(STAMP), text_of(expected))?;
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove the outdated {}", directory.display()));
        }
        _ => {}
    }
    match fs::rename(&filled, directory) {
        // Another fetch, running at the same time, was first.
        Err(_) if is_there(directory, expected) => Ok(()),
        renamed => renamed.with_context(|| format!("cannot put {} in place", directory.display())),
    }
}

fn text_of(expected: &BTreeMap<&str, &str>) -> String {
    expected.iter().map(|(file, sum)| format!("{sum}  {file}\n")).collect()
}
