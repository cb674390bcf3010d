//! `tidemark up` as the demo's child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::feed::{Feed, KEY, TENANT};
use crate::process;

/// The running stack; ends with this value.
pub struct Up {
    child: Child,
    /// Where it answers.
    pub query: String,
}

impl Up {
    /// Starts it and prints its addresses once it is ready.
    pub fn start(state: &Path, feed: &Feed) -> Result<Self> {
        // Ctrl-C reaches the child too, which then ends everything in order; we only wait for it.
        ctrlc::set_handler(|| {}).context("cannot listen for Ctrl-C")?;
        let mut command = Command::new(process::binaries()?.join("tidemark"));
        command.arg("--state").arg(state).args(["up", "--tenant", TENANT, "--key", KEY]).args(feed.tenant_settings());
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
                println!("key         {KEY}");
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

impl Drop for Up {
    /// An error on the way: nothing may stay behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.ask_to_end().is_ok() {
            let _ = self.child.wait();
        }
    }
}
