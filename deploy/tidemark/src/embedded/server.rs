//! One server as a child process: started, watched until it answers, started again when it dies, stopped with grace.
//! It dies with us, even if we are killed; a Ctrl-C on the terminal reaches only us, who then stop things in order.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// From the start of a server to its first answer; a busy laptop needs seconds, a broken one would never.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Between two questions whether it answers yet.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// Before a dead server is started again.
const RESTART_AFTER: Duration = Duration::from_millis(500);
/// A server that dies more often than this within `RESTARTS_WITHIN` is given up.
const RESTARTS_MAX: usize = 5;
const RESTARTS_WITHIN: Duration = Duration::from_secs(60);
/// Less room than this on its disk is named as what may be wrong.
const FREE_BYTES_MIN: u64 = 16 << 20;
/// Of its log, in an error message.
const SHOWN_LINES_MAX: usize = 15;

/// A running server.
pub struct Server {
    name: &'static str,
    log: PathBuf,
    /// Where its files are.
    dir: PathBuf,
    command: Command,
    child: Child,
    deaths: VecDeque<Instant>,
}

impl Server {
    /// Starts it. Must be called on a thread that lives as long as the process: the kernel ends the child with the *thread* that
    /// spawned it. The futures of our commands run on the main thread.
    ///
    /// # Errors
    /// The program or its log file cannot be opened.
    pub fn start(name: &'static str, log: PathBuf, dir: PathBuf, mut command: Command) -> Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0).kill_on_drop(true);
        die_with_parent(&mut command);
        let child = spawn(name, &mut command)?;
        Ok(Self { name, log, dir, command, child, deaths: VecDeque::new() })
    }

    /// Waits until `answers` says yes.
    ///
    /// # Errors
    /// It ends, or does not answer in time; with the last lines of its log.
    pub async fn ready(&mut self, answers: impl AsyncFn() -> bool) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !answers().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended while starting ({status}); {}", self.name, self.last_words());
            }
            if Instant::now() > deadline {
                bail!("{} does not answer after {} s; {}", self.name, READY_WITHIN.as_secs(), self.last_words());
            }
            sleep(ASK_EVERY).await;
        }
        Ok(())
    }

    /// Starts it again whenever it dies. Returns only to say that it keeps dying.
    pub async fn keep_alive(&mut self) -> anyhow::Error {
        loop {
            let ended = match self.child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let now = Instant::now();
            self.deaths.push_back(now);
            self.deaths.retain(|death| now.duration_since(*death) < RESTARTS_WITHIN);
            if self.deaths.len() > RESTARTS_MAX {
                return anyhow::anyhow!("{} keeps ending ({ended}); {}", self.name, self.last_words());
            }
            tracing::warn!(server = self.name, ended, "a server ended by itself; starting it again");
            sleep(RESTART_AFTER).await;
            match spawn(self.name, &mut self.command) {
                Ok(child) => self.child = child,
                Err(error) => return error,
            }
        }
    }

    /// Asks it to end, and makes it end at the deadline.
    pub async fn stop(mut self, deadline: Instant) {
        let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return };
        // It may have ended a moment ago; then there is nothing to ask.
        let _ = kill_process(pid, Signal::TERM);
        if timeout_at(deadline, self.child.wait()).await.is_err() {
            tracing::warn!(server = self.name, "does not end when asked; killing it");
            let _ = self.child.start_kill();
            let _ = timeout(Duration::from_millis(500), self.child.wait()).await;
        }
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        // The frames of a Java stack say less than what is above them.
        let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with("\tat ")).collect();
        let last = lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..].join("\n  ");
        format!("{}{} ends with:\n  {last}", self.no_room(), self.log.display())
    }

    /// Said first where it applies: servers on a full disk die of many things.
    fn no_room(&self) -> String {
        let free = rustix::fs::statvfs(&self.dir).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        if free >= FREE_BYTES_MIN {
            return String::new();
        }
        format!(
            "the disk of {} has only {} MiB left: make room there and start again, nothing that was acknowledged is lost; ",
            self.dir.display(),
            free >> 20
        )
    }
}

fn spawn(name: &str, command: &mut Command) -> Result<Child> {
    let program = command.as_std().get_program().to_owned();
    command.spawn().with_context(|| format!("cannot start {name}: {}", program.display()))
}

/// The kernel kills the child when the spawning thread ends. At once, not gracefully: the next start must not meet a half-dead server
/// that still holds ports and files, and both servers recover what they acknowledged.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "pre_exec runs between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let us = rustix::process::getpid();
    // SAFETY: the closure makes two system calls and allocates nothing, as is required between fork and exec.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // We died between the fork and the line above: the signal would never come.
            if rustix::process::getppid() != Some(us) {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            Ok(())
        });
    }
}

/// Elsewhere children outlive a killed parent; a Ctrl-C or `kill` still stops them.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}
