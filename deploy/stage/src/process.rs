//! One child process: started, killed, stopped, continued and started again; it dies with its value.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// Of a log, in a message.
const LAST_LINES: usize = 12;

/// A program that runs.
pub struct Process {
    command: Command,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says goes to the end of `log`.
    ///
    /// # Errors
    /// The log cannot be written, or the system does not start the program.
    pub fn start(mut command: Command, log: PathBuf) -> Result<Self> {
        let file = File::options().create(true).append(true).open(&log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { command, child, log })
    }

    /// Starts it anew after it has ended.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start_again(&mut self) -> Result<()> {
        self.child = self.command.spawn().with_context(|| format!("cannot start {:?}", self.command))?;
        Ok(())
    }

    /// Waits until it ends.
    pub async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// `kill -9`, until it is gone.
    ///
    /// # Errors
    /// The system does not end it.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to end and waits.
    pub async fn end(&mut self) {
        if let Some(pid) = self.pid() {
            signal(pid, Signal::TERM);
            self.ended().await;
        }
    }

    /// None once it has ended.
    pub fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()))
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        last_lines(&self.log)
    }
}

/// The end of a log.
pub fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n    ")
}

/// Sends a signal. A process that has just ended needs none.
pub fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process(pid, signal);
}

/// A living child of a process whose command line contains `mark`.
pub fn child_of(parent: Pid, mark: &str) -> Option<Pid> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|process| process.file_name().to_str()?.parse::<i32>().ok());
    let parent = parent.as_raw_nonzero().to_string();
    let found = ids.find(|id| {
        let command_line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default().replace('\0', " ");
        // A zombie has ended and has no command line.
        status_field(*id, "PPid").is_some_and(|found| found == parent) && command_line.contains(mark)
    });
    found.and_then(Pid::from_raw)
}

fn status_field(id: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}
