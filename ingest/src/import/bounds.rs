//! What one row may take of a mapping: time, steps, memory, depth. A program is somebody's own and may do anything; one that goes
//! beyond refuses its row, and one that cannot be called off ends the import.

use std::{
    any::Any,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use crate::Error;

/// How long one row may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Calls and steps of the program for one row; also what bounds how deep a value can be nested.
const STEPS_MAX: u64 = 2_000_000;
/// What memory may grow by in one row, in KiB.
const MEMORY_KIB_MAX: u64 = 512 << 10;
/// How long what has gone beyond may go on before it counts as one that cannot be called off. To unwind from millions of calls
/// within calls takes seconds on a busy machine.
const GRACE: Duration = Duration::from_secs(5);
/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Stack of a program: room for a value nested by every one of [`STEPS_MAX`] to be dropped. Untouched pages cost nothing.
pub(super) const STACK_BYTES: usize = 1 << 30;
/// Where calling goes too deep: what is left has to do for functions and for unwinding.
const STACK_BYTES_MIN: usize = 768 << 20;

/// Most events of one row; with the bytes, what fits into one request whatever comes before it.
pub(super) const ROW_EVENTS_MAX: usize = 1_000;
/// Most bytes of one row's events.
pub(super) const ROW_EVENT_BYTES_MAX: usize = 4 << 20;
/// How deep JSON may be nested that is read; reading it goes as deep.
const DEPTH_MAX: usize = 1_000;

/// A bound that was gone beyond; unwinds through the interpreter, which has no other way to be called off.
struct Exceeded(&'static str);

const TIME: &str = "the mapping takes more than 10 s for this row";
const MEMORY: &str = "the mapping takes more than 512 MiB for this row";
const STEPS: &str = "the mapping takes more than 2000000 steps for this row";
const DEPTH: &str = "the mapping calls itself too often within itself";
pub(super) const DEEP_JSON: &str = "the JSON is nested more than 1000 deep";

/// Told of a program that cannot be called off.
type OnStuck = Box<dyn Fn(Error) + Send>;

/// Watches a program at work.
pub(super) struct Watch(Arc<Watched>);

struct Watched {
    started: Instant,
    /// Milliseconds after `started` at which this row began; 0 between rows.
    row_began_ms: AtomicU64,
    /// Rows begun, which tells a new one from the one before.
    rows: AtomicU64,
    steps: AtomicU64,
    /// 0, or which of time (1) and memory (2) is used up.
    used_up: AtomicU8,
    on_stuck: Mutex<Option<OnStuck>>,
    /// Where in the file the row is, for those who are told.
    line: AtomicU64,
}

impl Watch {
    pub(super) fn start() -> Self {
        let watched = Arc::new(Watched {
            started: Instant::now(),
            row_began_ms: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            used_up: AtomicU8::new(0),
            on_stuck: Mutex::new(None),
            line: AtomicU64::new(0),
        });
        let weak = Arc::downgrade(&watched);
        thread::spawn(move || watch(&weak));
        Self(watched)
    }

    /// Who is told, once, of a program that cannot be called off.
    pub(super) fn when_stuck(&self, tell: OnStuck) {
        *self.0.on_stuck.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell);
    }

    /// The line of the next row.
    pub(super) fn at_line(&self, line: u64) {
        self.0.line.store(line, Relaxed);
    }

    /// Runs `work` within the bounds; or says which it went beyond, or how it panicked.
    pub(super) fn bound<T>(&self, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        let watched = &self.0;
        watched.steps.store(0, Relaxed);
        watched.used_up.store(0, Relaxed);
        watched.rows.fetch_add(1, Relaxed);
        watched.row_began_ms.store(watched.now_ms(), Relaxed);
        let enough = STACK_BYTES_MIN + (STACK_BYTES - STACK_BYTES_MIN) / 2;
        let done = catch_unwind(AssertUnwindSafe(|| stacker::maybe_grow(enough, STACK_BYTES, work)));
        watched.row_began_ms.store(0, Relaxed);
        done.unwrap_or_else(|panic| Err(said(panic.as_ref())))
    }

    /// Called by the interpreter at every step.
    pub(super) fn step(&self) {
        let watched = &self.0;
        // One thread counts; a plain load and store cost nothing.
        let steps = watched.steps.load(Relaxed) + 1;
        watched.steps.store(steps, Relaxed);
        let exceeded = match watched.used_up.load(Relaxed) {
            1 => TIME,
            2 => MEMORY,
            _ if steps > STEPS_MAX => STEPS,
            _ if stacker::remaining_stack().is_some_and(|left| left < STACK_BYTES_MIN) => DEPTH,
            _ => return,
        };
        resume_unwind(Box::new(Exceeded(exceeded)));
    }
}

impl Watched {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    if let Some(Exceeded(bound)) = panic.downcast_ref() {
        return (*bound).to_owned();
    }
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the mapping failed: {}", text.unwrap_or("no reason was given"))
}

/// Looks at the program until nobody has it any more.
fn watch(watched: &Weak<Watched>) {
    let (mut row, mut memory_before, mut used_up_at) = (0, 0, None);
    while let Some(watched) = watched.upgrade() {
        let (this_row, began_ms) = (watched.rows.load(Relaxed), watched.row_began_ms.load(Relaxed));
        let memory = memory_kib();
        if began_ms == 0 || this_row != row {
            (row, memory_before, used_up_at) = (this_row, memory, None);
        } else if memory.saturating_sub(memory_before) > MEMORY_KIB_MAX {
            watched.used_up.store(2, Relaxed);
        } else if watched.now_ms().saturating_sub(began_ms) > TIME_MAX.as_millis() as u64 {
            watched.used_up.store(1, Relaxed);
        }
        let used_up = watched.used_up.load(Relaxed);
        if used_up > 0 && began_ms > 0 {
            let since = *used_up_at.get_or_insert_with(Instant::now);
            // Memory may run out before the grace does.
            let twice = memory.saturating_sub(memory_before) > 2 * MEMORY_KIB_MAX;
            if twice || since.elapsed() > GRACE {
                tell(&watched, if used_up == 1 { TIME } else { MEMORY });
            }
        }
        drop(watched);
        thread::sleep(LOOK_EVERY);
    }
}

fn tell(watched: &Watched, reason: &str) {
    let told = watched.on_stuck.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(told) = told {
        told(Error::MappingStuck { line: watched.line.load(Relaxed), reason: reason.to_owned() });
    }
}

/// What this process holds in memory; 0 where the system does not say.
fn memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    resident.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Whether JSON is nested no deeper than may be read; what is no JSON will be found out by the reader.
pub(super) fn is_shallow(json: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.iter().all(|byte| {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= DEPTH_MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_texts_nest_nothing() {
        let deep = "[".repeat(2_000);
        assert!(!is_shallow(deep.as_bytes()));
        assert!(is_shallow(format!("{{\"a\\\"\": \"{deep}\"}}").as_bytes()));
        assert!(is_shallow("[],".repeat(2_000).as_bytes()));
    }
}
