//! The projector's vocabulary of metrics.

use metrics::{counter, gauge, histogram};

/// A batch was written and committed.
pub fn batch_committed(partition: i32, records: usize, seconds: f64) {
    counter!("tidemark_projector_events_total", "partition" => partition.to_string()).increment(records as u64);
    histogram!("tidemark_projector_batch_seconds").record(seconds);
}

/// How far a partition is behind the end of its log.
pub fn behind(partition: i32, events: i64) {
    gauge!("tidemark_projector_behind_events", "partition" => partition.to_string()).set(events as f64);
}

/// A batch failed and will be tried again.
pub fn batch_failed(partition: i32) {
    counter!("tidemark_projector_batch_failures_total", "partition" => partition.to_string()).increment(1);
}

/// A partition waits for an operator.
pub fn stalled(partition: i32, is_stalled: bool) {
    gauge!("tidemark_projector_stalled", "partition" => partition.to_string()).set(f64::from(u8::from(is_stalled)));
}

/// Records that said nothing.
pub fn poison(records: usize) {
    counter!("tidemark_projector_poison_total").increment(records as u64);
}
