//! What the figures were measured on.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// The machine and what ran on it.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub memory_mib: u64,
    pub cpu: String,
    pub kernel: String,
    /// The load average of the last minute before the run: other work is in the figures.
    pub load_before: String,
    pub commit: String,
    pub kafka: &'static str,
    pub clickhouse: &'static str,
    pub at: String,
}

/// Asks the kernel and git.
pub fn describe() -> Machine {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
    Machine {
        cores: std::thread::available_parallelism().map_or(0, std::num::NonZeroUsize::get),
        memory_mib: memory_kib / 1_024,
        cpu: field(&read("/proc/cpuinfo"), "model name"),
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        load_before: read("/proc/loadavg").split_whitespace().next().unwrap_or_default().to_owned(),
        commit: commit().unwrap_or_else(|| "unknown".to_owned()),
        kafka: "4.1.0",
        clickhouse: "26.7.3",
        at: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    }
}

fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=10"]);
    let said = git.output().ok().filter(|said| said.status.success())?;
    Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
