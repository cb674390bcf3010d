//! Python clients as they are: scripts run by the Python of the environment that `cargo xtask fetch` makes.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script with these arguments; what it printed. Fails with what it said.
pub fn run(script: &Path, arguments: &[&str]) -> String {
    let ran = Command::new(interpreter()).arg(script).args(arguments).output().unwrap();
    let said = [ran.stdout.as_slice(), ran.stderr.as_slice()].map(String::from_utf8_lossy);
    assert!(ran.status.success(), "{}: {}\n{}", script.display(), ran.status, said.concat());
    said[0].clone().into_owned()
}

/// Absent clients are a failure: a test that passes has asked them.
fn interpreter() -> PathBuf {
    let cache = env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| Path::new(&env::var_os("HOME").unwrap()).join(".cache/tidemark"));
    let python = cache.join("python/bin/python");
    assert!(python.exists(), "{} is absent: run `cargo xtask fetch`, which puts the Python clients there", python.display());
    python
}
