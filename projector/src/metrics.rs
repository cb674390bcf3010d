//! The projector's vocabulary of metrics, in a registry of its own, so that several services can share a process.

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const EVENTS: &str = "tidemark_projector_events_total";
const BATCH_SECONDS: &str = "tidemark_projector_batch_seconds";
const FAILURES: &str = "tidemark_projector_batch_failures_total";
const POISON: &str = "tidemark_projector_poison_total";
const BEHIND: &str = "tidemark_projector_behind_events";
const DEAD_LETTERS: &str = "tidemark_projector_dead_letters_pending";
const WAITING: &str = "tidemark_projector_waiting_seconds";
const CATCH_UP: &str = "tidemark_projector_catch_up_seconds";
const SNAPSHOT: &str = "tidemark_projector_snapshot_position";
const RESTORED: &str = "tidemark_projector_restored_ratio";
const STALLED: &str = "tidemark_projector_stalled";

const METADATA: Metadata<'static> = Metadata::new("tidemark_projector", Level::INFO, Some("tidemark_projector"));

/// Everything that is counted.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let counter = |name, about: &'static str| recorder.describe_counter(KeyName::from(name), Some(Unit::Count), about.into());
        counter(EVENTS, "Records whose numbers are written and committed.");
        counter(FAILURES, "Batches that failed and are tried again.");
        counter(POISON, "Records that say nothing, kept as dead letters.");
        let gauge = |name, about: &'static str| recorder.describe_gauge(KeyName::from(name), Some(Unit::Count), about.into());
        gauge(BEHIND, "Events between a partition's numbers and the end of its log.");
        gauge(CATCH_UP, "Seconds until a partition's numbers are at the end of its log, at the pace of the last seconds.");
        gauge(SNAPSHOT, "Position up to which the newest snapshot of a partition goes.");
        gauge(RESTORED, "How much of a snapshot is restored, of 1.");
        gauge(DEAD_LETTERS, "Dead letters of a company that nobody has dealt with.");
        gauge(WAITING, "For how long a batch of a partition has not got in; 0 where batches do.");
        gauge(STALLED, "1 where a partition waits for an operator.");
        let handle = recorder.handle();
        Self { recorder, handle }
    }

    /// A batch was written and committed.
    pub fn batch_committed(&self, partition: i32, records: usize, seconds: f64) {
        self.recorder.register_counter(&key(EVENTS, partition), &METADATA).increment(records as u64);
        self.recorder.register_histogram(&Key::from_name(BATCH_SECONDS), &METADATA).record(seconds);
    }

    /// A batch failed and will be tried again.
    pub fn batch_failed(&self, partition: i32) {
        self.recorder.register_counter(&key(FAILURES, partition), &METADATA).increment(1);
    }

    /// Records that say nothing.
    pub fn poison(&self, partition: i32, records: usize) {
        self.recorder.register_counter(&key(POISON, partition), &METADATA).increment(records as u64);
    }

    /// How far a partition is behind the end of its log.
    pub fn behind(&self, partition: i32, events: i64) {
        self.recorder.register_gauge(&key(BEHIND, partition), &METADATA).set(events as f64);
    }

    /// When a partition will be at the end of its log.
    pub fn catch_up(&self, partition: i32, seconds: f64) {
        self.recorder.register_gauge(&key(CATCH_UP, partition), &METADATA).set(seconds);
    }

    /// How far the newest snapshot of a partition goes.
    pub fn snapshot(&self, partition: i32, position: i64) {
        self.recorder.register_gauge(&key(SNAPSHOT, partition), &METADATA).set(position as f64);
    }

    /// How much of a snapshot is restored, of 1.
    pub fn restored(&self, partition: i32, ratio: f64) {
        self.recorder.register_gauge(&key(RESTORED, partition), &METADATA).set(ratio);
    }

    /// Dead letters of a company that nobody has dealt with.
    pub fn dead_letters_pending(&self, tenant: &str, letters: u64) {
        let key = Key::from_parts(DEAD_LETTERS, vec![Label::new("tenant", tenant.to_owned())]);
        self.recorder.register_gauge(&key, &METADATA).set(letters as f64);
    }

    /// For how long a batch of a partition has not got in.
    pub fn waiting(&self, partition: usize, for_ms: i64) {
        let key = Key::from_parts(WAITING, vec![Label::new("partition", partition.to_string())]);
        self.recorder.register_gauge(&key, &METADATA).set(for_ms as f64 / 1_000.0);
    }

    /// Whether a partition waits for an operator.
    pub fn stalled(&self, partition: i32, is_stalled: bool) {
        self.recorder.register_gauge(&key(STALLED, partition), &METADATA).set(f64::from(u8::from(is_stalled)));
    }

    /// In Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}

fn key(name: &'static str, partition: i32) -> Key {
    Key::from_parts(name, vec![Label::new("partition", partition.to_string())])
}
