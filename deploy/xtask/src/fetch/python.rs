//! A Python environment with the clients that tests drive the doors with, as `requirements.txt` pins them.

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
    let python = environment.join("bin/python");
    // The interpreter is a link to the system's, which may have gone.
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == REQUIREMENTS) {
        return Ok(false);
    }
    tools::PYTHON.require()?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    process::quietly("a Python environment", &mut venv)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"])
        .arg(process::workspace().join("deploy/xtask/requirements.txt"));
    process::quietly("Python clients for the tests (by pip)", &mut pip)?;
    fs::write(&stamp, REQUIREMENTS).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}
