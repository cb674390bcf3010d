//! Where records come from: one Kafka consumer, and a worker per partition that keeps polling going while it writes.

mod consumer;
mod dispatch;
mod heartbeat;
mod http;
mod identity;
mod publish;
mod worker;

pub use consumer::{ANSWER_WITHIN, Consumer, Offsets, Subscription, commit, connect};
pub use dispatch::dispatch;
pub use heartbeat::heartbeat;
pub use http::serve;
pub use identity::{LogEnds, check, log_ends};
pub use publish::Publisher;
pub use worker::{Status, Worker, now_ms};
