//! What a process costs, as the kernel says: processor time and resident memory.

use std::{collections::BTreeMap, fs};

use rustix::process::Pid;
use serde::Serialize;

/// Of `/proc/PID/stat`, on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;
/// Places of user and system time behind the program's name.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;

/// One process at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Seconds of processor time since its start.
    pub cpu_s: f64,
    /// Resident memory, MiB.
    pub resident_mib: f64,
}

/// Several processes by name.
pub type Usages = BTreeMap<&'static str, Usage>;

/// None where it has ended.
pub fn usage(pid: Pid) -> Option<Usage> {
    let id = pid.as_raw_nonzero();
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let resident_kib: f64 =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())?;
    Some(Usage { cpu_s: cpu_seconds(&stat)?, resident_mib: resident_kib / 1_024.0 })
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The name is in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    Some((ticks(USER_TIME)? + ticks(SYSTEM_TIME)?) / TICKS_PER_SECOND)
}

/// What each process cost between two moments: its processor time, and the most of its memory.
pub fn between(before: &Usages, samples: &[Usages]) -> Usages {
    let last = samples.last().cloned().unwrap_or_default();
    let spent = |(name, end): (&'static str, Usage)| {
        let cpu_s = end.cpu_s - before.get(name).map_or(0.0, |usage| usage.cpu_s);
        let most = samples.iter().filter_map(|sample| sample.get(name)).map(|usage| usage.resident_mib);
        (name, Usage { cpu_s, resident_mib: most.fold(end.resident_mib, f64::max) })
    };
    last.into_iter().map(spent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }
}
