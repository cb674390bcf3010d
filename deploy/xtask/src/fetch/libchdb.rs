//! ClickHouse's engine as a library, by npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::checksums::Pinned;
use super::{place, tools};
use crate::{cache, process};

const PACKAGE: &str = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1";

/// Fetches the engine unless it is there; says whether it did.
pub fn ensure(cache: &Path, pinned: &Pinned) -> Result<bool> {
    let library = Path::new(cache::LIBCHDB);
    let directory = library.parent().context("the library lies in a directory")?;
    let expected = pinned.of(&directory.to_string_lossy());
    let directory = cache.join(directory);
    if place::is_there(&directory, &expected) {
        return Ok(false);
    }
    tools::NPM.require()?;
    place::put(&directory, &expected, unpack)?;
    Ok(true)
}

/// `npm pack` writes the archive into the directory and prints its name; only the library is kept.
fn unpack(directory: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", PACKAGE]).current_dir(directory);
    let packed = process::quietly("ClickHouse's engine (178 MB, by npm)", &mut npm)?;
    let archive = directory.join(String::from_utf8(packed.stdout)?.trim());
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--gzip", "--strip-components=1", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(directory)
        .arg("package/libchdb.so");
    process::quietly("unpacking it (566 MB)", &mut tar)?;
    fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))
}
