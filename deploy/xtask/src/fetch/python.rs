//! A Python environment with the clients that tests drive the doors with; made only where a client is pinned.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::tools;
use crate::process;

const REQUIREMENTS: &str = include_str!("../../requirements.txt");
/// Written last, so that an environment without it is known to be incomplete. (An environment cannot be renamed into place.)
const STAMP: &str = ".verified";

/// Makes the environment unless it is there; says whether it did.
pub fn ensure(cache: &Path) -> Result<bool> {
    let environment = cache.join("python");
    let stamp = environment.join(STAMP);
    if !pins_a_client() || fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == REQUIREMENTS) {
        return Ok(false);
    }
    tools::PYTHON.require()?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    process::quietly("a Python environment", &mut venv)?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"])
        .arg(process::workspace().join("deploy/xtask/requirements.txt"));
    process::quietly("Python clients for the tests (by pip)", &mut pip)?;
    fs::write(&stamp, REQUIREMENTS).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}

fn pins_a_client() -> bool {
    REQUIREMENTS.lines().any(|line| !line.trim().is_empty() && !line.starts_with('#'))
}
