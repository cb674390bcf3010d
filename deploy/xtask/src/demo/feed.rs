//! What goes in: a simulated sales organisation, or every public export of a directory through its shipped mapping.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::companies::{Company, EXPORTED, Export, SIMULATED};
use crate::process;

/// The exit code of an import that refused rows and did everything else.
const ROWS_REFUSED: i32 = 3;

/// A company and the files that it is made of; none of the simulated one.
pub struct Feed {
    pub company: &'static Company,
    files: Vec<PathBuf>,
}

/// The simulated company, or those whose exports lie in a directory.
pub fn choose(data: Option<&Path>) -> Result<Vec<Feed>> {
    let Some(data) = data else { return Ok(vec![Feed { company: &SIMULATED, files: Vec::new() }]) };
    let data = data.canonicalize().with_context(|| format!("--data {}", data.display()))?;
    let exports = EXPORTED.iter().filter_map(|company| Some((company, company.export.as_ref()?)));
    let found = exports.clone().filter_map(|(company, export)| Some(Feed { company, files: export.files_in(&data)? }));
    let found: Vec<Feed> = found.collect();
    if found.is_empty() {
        let folders: Vec<&str> = exports.map(|(_, export)| export.folder).collect();
        bail!("--data {}: it has none of {}, and is none of them", data.display(), folders.join(", "));
    }
    Ok(found)
}

impl Export {
    /// Its files in that directory, or in its own folder there; nothing where one is missing.
    fn files_in(&self, data: &Path) -> Option<Vec<PathBuf>> {
        let files = |folder: &Path| self.files.iter().map(|file| folder.join(file)).collect::<Vec<_>>();
        [files(&data.join(self.folder)), files(data)].into_iter().find(|files| files.iter().all(|file| file.is_file()))
    }
}

impl Feed {
    /// Its part of the data directory: simulated and real numbers never meet.
    pub fn state(&self) -> &'static str {
        if self.is_simulated() { "demo" } else { "demo-import" }
    }

    /// Said wherever numbers are shown.
    pub fn mark(&self) -> &'static str {
        if self.is_simulated() { " (SIMULATED)" } else { "" }
    }

    /// Sends everything; gives the position token after which the answers hold all of it.
    pub fn send(&self, state: &Path) -> Result<String> {
        let mut tidemark = Command::new(process::binaries()?.join("tidemark"));
        match &self.company.export {
            None => {
                println!("\nsimulating a sales organisation ...");
                tidemark.args(["simulate", "--key", &self.company.key()]);
            }
            Some(export) => {
                println!("\nimporting {} ...", self.company.name);
                // The data's own directory may be read-only, and is not ours to write to.
                let reports = state.join("import").join(self.company.name);
                std::fs::create_dir_all(&reports)?;
                tidemark.arg("import").args(&self.files).args(["--mapping", export.mapping, "--key", &self.company.key()]);
                tidemark.arg("--report-dir").arg(&reports);
            }
        }
        // Its progress bar is ours.
        let output = tidemark.stderr(Stdio::inherit()).output().context("cannot start tidemark")?;
        let said = String::from_utf8(output.stdout)?;
        print!("{said}");
        // Real exports have rows that their mapping refuses, which is no failure.
        let rows_refused = !self.is_simulated() && output.status.code() == Some(ROWS_REFUSED);
        if !output.status.success() && !rows_refused {
            bail!("{tidemark:?} failed ({})", output.status);
        }
        let position = said.lines().rev().find_map(|line| line.strip_prefix("position "));
        position.map(str::to_owned).context("nothing was accepted")
    }

    fn is_simulated(&self) -> bool {
        self.company.export.is_none()
    }
}
