//! `/v1/live`: whoever listens is told what changed. `changes.rs` hears of it from Kafka and `look.rs` finds what Kafka does not
//! say; `board.rs` knows whom it concerns; `feed.rs` asks the question again, once for all who listen to it; `difference.rs`
//! says what is different, and `listener.rs` tells it to one of them.

mod board;
mod changes;
mod difference;
mod feed;
mod listener;
mod look;
mod push;
mod seen;

pub(crate) use feed::Question;
pub(crate) use listener::Listener;
pub(crate) use push::Live;
