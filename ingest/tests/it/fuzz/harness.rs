//! Runs a fuzzer in a process of its own, so that its memory can be measured and nothing it does ends the tests.
//! A few seconds each; `FUZZ_SECONDS` says for how many (`cargo xtask fuzz` for minutes).

use std::{
    env,
    fmt::{self, Debug},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestError, TestRunner},
};

const TARGET: &str = "FUZZ_TARGET";
const SECONDS: &str = "FUZZ_SECONDS";
/// The file that holds the case at hand: of a process that was killed nothing else is left.
const CASE: &str = "FUZZ_CASE";
const SECONDS_DEFAULT: f64 = 3.0;
/// Most of a case that is shown.
const SHOWN_CHARS: usize = 4_000;

/// What one case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Done,
    /// This process cannot go on, as its user would be told; another takes over.
    Ended,
}

/// The target that this process is to fuzz, if it is one that does.
pub fn target() -> Option<String> {
    env::var(TARGET).ok()
}

/// Fuzzes a target in processes of their own: each ends well, and none takes more memory than that.
pub fn in_a_process(target: &str, peak_mib_max: u64) {
    let directory = tempfile::tempdir().unwrap();
    let case = directory.path().join("case");
    let seconds = env::var(SECONDS).map_or(SECONDS_DEFAULT, |seconds| seconds.parse().unwrap());
    let (ends, mut cases, mut peak_mib, mut processes) = (Instant::now() + Duration::from_secs_f64(seconds), 0, 0, 0);
    while processes == 0 || Instant::now() < ends {
        let left = ends.saturating_duration_since(Instant::now());
        let output = process(target, left, &case);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some((done, peak)) = report(&said) else {
            let case: String = fs::read_to_string(&case).unwrap_or_default().chars().take(SHOWN_CHARS).collect();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!("fuzzing {target} ended with {} on this case:\n{case}\n{said}\n{errors}", output.status);
        };
        (cases, peak_mib, processes) = (cases + done, peak_mib.max(peak), processes + 1);
    }
    eprintln!("FUZZED {target}: {cases} cases in {seconds} s, {processes} processes, at most {peak_mib} MiB");
    assert!(cases > 0 && peak_mib <= peak_mib_max, "{target}: {cases} cases, {peak_mib} MiB of {peak_mib_max}");
}

fn process(target: &str, left: Duration, case: &Path) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["fuzz::one_process", "--exact", "--nocapture"]);
    command.env(TARGET, target).env(SECONDS, left.as_secs_f64().to_string()).env(CASE, case);
    command.output().unwrap()
}

/// Cases and MiB, as a process that ended well says.
fn report(said: &str) -> Option<(u64, u64)> {
    let line = said.lines().find_map(|line| line.split_once("FUZZ DONE ").map(|(_, report)| report))?;
    let (cases, peak_mib) = line.split_once(' ')?;
    Some((cases.parse().ok()?, peak_mib.parse().ok()?))
}

/// Tries cases until the time is over or the process has to end; a panic is shrunk and shown.
pub fn run<T: Debug + Clone>(cases: impl Strategy<Value = T>, check: impl Fn(&T) -> Case) {
    let ends = Instant::now() + Duration::from_secs_f64(env::var(SECONDS).unwrap().parse().unwrap());
    let path = PathBuf::from(env::var_os(CASE).unwrap());
    let mut runner = TestRunner::new(Config { failure_persistence: None, max_shrink_iters: 500, ..Config::default() });
    let (mut done, ended) = (0_u64, std::cell::Cell::new(false));
    while done == 0 || (Instant::now() < ends && !ended.get()) {
        let tree = cases.new_tree(&mut runner).unwrap();
        let tried = runner.run_one(tree, |case| {
            fs::write(&path, format!("{case:?}")).unwrap();
            ended.set(check(&case) == Case::Ended);
            Ok(())
        });
        if let Err(TestError::Fail(reason, case)) = tried {
            let shown: String = format!("{case:?}").chars().take(SHOWN_CHARS).collect();
            panic!("{reason} on {shown}");
        }
        done += 1;
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "\nFUZZ DONE {done} {}", peak_mib()).unwrap();
}

/// The most memory that this process ever held.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_024
}

/// Bytes that are shown as text.
#[derive(Clone)]
pub struct Bytes(pub Vec<u8>);

impl Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(SHOWN_CHARS)];
        write!(f, "{} bytes: {}", self.0.len(), shown.escape_ascii())
    }
}
