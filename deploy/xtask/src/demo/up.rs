//! `tidemark up` as the demo's child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::companies::Company;
use super::feed::Feed;
use crate::process;

/// The running stack; ends with this value.
pub struct Up {
    child: Child,
    /// Where it answers.
    pub query: String,
}

impl Up {
    /// Starts it and prints its addresses once it is ready.
    pub fn start(state: &Path, feeds: &[Feed]) -> Result<Self> {
        // Ctrl-C reaches the child too, which then ends everything in order; we only wait for it.
        ctrlc::set_handler(|| {}).context("cannot listen for Ctrl-C")?;
        for feed in feeds {
            add_tenant(state, feed.company)?;
        }
        let mut command = tidemark(state)?;
        command.arg("up");
        // What is worth a line every second belongs into a log, not into a demo.
        command.env("TIDEMARK_LOG__FILTER", "warn,librdkafka=off").stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start `tidemark up`")?;
        let stdout = child.stdout.take().context("`tidemark up` has no output")?;
        let mut up = Self { child, query: String::new() };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            if let Some(address) = line.strip_prefix("query ") {
                address.trim().clone_into(&mut up.query);
            }
            if line == "tidemark is ready" {
                for feed in feeds {
                    println!("key         {} (tenant {})", feed.company.key(), feed.company.name);
                }
                return Ok(up);
            }
        }
        bail!("`tidemark up` ended before it was ready; it says why above")
    }

    /// Waits until the user has enough.
    pub fn wait(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("`tidemark up` failed ({status})");
        }
        Ok(())
    }

    /// Ends it as Ctrl-C would.
    pub fn stop(self) -> Result<()> {
        self.ask_to_end()?;
        self.wait()
    }

    fn ask_to_end(&self) -> Result<()> {
        process::quietly("stopping", Command::new("kill").arg(self.child.id().to_string())).map(drop)
    }
}

/// Tenants are read at start; one that is there already stays as it is.
fn add_tenant(state: &Path, company: &Company) -> Result<()> {
    let mut add = tidemark(state)?;
    add.args(["tenant", "add", company.name, "--key", &company.key()]);
    add.args(["--time-zone", company.time_zone, "--currency", company.currency]);
    process::quietly(&format!("tenant {}", company.name), &mut add).map(drop)
}

fn tidemark(state: &Path) -> Result<Command> {
    let mut command = Command::new(process::binaries()?.join("tidemark"));
    command.arg("--state").arg(state);
    Ok(command)
}

impl Drop for Up {
    /// An error on the way: nothing may stay behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.ask_to_end().is_ok() {
            let _ = self.child.wait();
        }
    }
}
