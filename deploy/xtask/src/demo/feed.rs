//! What goes in: a simulated sales organisation, or real exports through the shipped mapping.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// The demo's tenant and its key.
pub const TENANT: &str = "demo";
pub const KEY: &str = "demo-key";

const FOLDER: &str = "crm-sales-opportunities";
/// The roster and the customers first: an import is live, and so are its numbers.
const FILES: [&str; 3] = ["sales_teams.csv", "accounts.csv", "sales_pipeline.csv"];

/// One of the two.
pub enum Feed {
    Simulated,
    /// The files of [`FOLDER`].
    Imported(Vec<PathBuf>),
}

impl Feed {
    /// Real exports where a directory is named that has them.
    pub fn choose(data: Option<&Path>) -> Result<Self> {
        let Some(data) = data else { return Ok(Self::Simulated) };
        let folder = [data.join(FOLDER), data.to_owned()].into_iter().find(|folder| folder.join(FILES[2]).is_file());
        let Some(folder) = folder else {
            bail!("--data {}: neither it nor {FOLDER}/ in it has a {}", data.display(), FILES[2]);
        };
        let folder = folder.canonicalize()?;
        Ok(Self::Imported(FILES.iter().map(|file| folder.join(file)).collect()))
    }

    /// Its part of the data directory: simulated and real numbers never meet.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Simulated => "demo",
            Self::Imported(_) => "demo-import",
        }
    }

    /// The tenant's flags of `tidemark up`.
    pub fn tenant_settings(&self) -> [&'static str; 4] {
        match self {
            Self::Simulated => ["--time-zone", "Asia/Shanghai", "--currency", "CNY"],
            // The export has dates only; in UTC a day has always 24 hours.
            Self::Imported(_) => ["--time-zone", "UTC", "--currency", "USD"],
        }
    }

    /// Said wherever numbers are shown.
    pub fn mark(&self) -> &'static str {
        match self {
            Self::Simulated => " (SIMULATED)",
            Self::Imported(_) => "",
        }
    }

    /// The dates that the questions are about.
    pub fn period(&self) -> (&'static str, &'static str) {
        match self {
            Self::Simulated => ("2026-01-01", "2026-03-31"),
            Self::Imported(_) => ("2016-10-01", "2017-12-31"),
        }
    }

    /// KPIs and how they are asked for.
    pub fn questions(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Simulated => &[
                ("won_amount", "grain=month"),
                ("visits", "grain=all&by=team"),
                ("collection_rate", "grain=month"),
                ("lead_response_24h", "grain=all&by=channel"),
                ("nps", "grain=quarter"),
            ],
            Self::Imported(_) => &[
                ("won_amount", "grain=quarter"),
                ("win_rate", "grain=all&by=region"),
                ("sales_cycle", "grain=all&by=product"),
                ("average_deal_size", "grain=all&by=team"),
                ("deals_won", "grain=month"),
            ],
        }
    }

    /// Sends everything; gives the position token after which the answers hold all of it.
    pub fn send(&self, state: &Path) -> Result<String> {
        let mut tidemark = Command::new(process::binaries()?.join("tidemark"));
        match self {
            Self::Simulated => {
                println!("\nsimulating a sales organisation ...");
                tidemark.args(["simulate", "--key", KEY]);
            }
            Self::Imported(files) => {
                // The data's own directory may be read-only, and is not ours to write to.
                let reports = state.join("import");
                std::fs::create_dir_all(&reports)?;
                tidemark.arg("import").args(files).args(["--mapping", FOLDER, "--key", KEY, "--report-dir"]).arg(&reports);
            }
        }
        let output = tidemark.stderr(std::process::Stdio::inherit()).output().context("cannot start tidemark")?;
        let said = String::from_utf8(output.stdout)?;
        print!("{said}");
        if !output.status.success() {
            bail!("{tidemark:?} failed ({})", output.status);
        }
        let position = said.lines().rev().find_map(|line| line.strip_prefix("position "));
        position.map(str::to_owned).with_context(|| "nothing was accepted".to_owned())
    }
}
