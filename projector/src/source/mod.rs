//! Where records come from: one Kafka consumer, and a worker per partition that keeps polling going while it writes.

mod assignment;
mod catch_up;
mod consumer;
mod dispatch;
mod heartbeat;
mod http;
mod identity;
mod kafka_log;
mod log;
mod publish;
mod queue;
mod snapshots;
mod status;
mod watch;
mod worker;

pub use assignment::Unread;
pub use consumer::{ANSWER_WITHIN, Consumer, Offsets, Subscription, commit, connect};
pub use dispatch::dispatch;
pub use heartbeat::{Beats, heartbeat};
pub use http::{Health, serve};
pub use identity::{examine, lost};
pub use kafka_log::KafkaLog;
pub use log::{Background, Changes, Clock, Delivery, Log, LogView, Nobody, Records, Spawned, WallClock};
pub use publish::Publisher;
pub use queue::{Feed, Queue, Queued};
pub use snapshots::Snapshots;
pub use status::{LogStatus, Status};
pub use watch::watch;
pub use worker::Worker;

pub use crate::{metrics::Metrics, retry::patiently};
