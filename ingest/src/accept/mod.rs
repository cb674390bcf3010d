//! The one path of every event, whichever door it came through:
//! authenticate → split → validate → stamp → encode → publish. Each stage has its file; `sentence` reads as that line.

mod answer;
pub(crate) mod authenticate;
pub(crate) mod binary;
mod dead_letter;
mod encode;
pub(crate) mod row;
mod sentence;
pub(crate) mod split;
mod stamp;
pub(crate) mod validate;

pub(crate) use answer::{Answer, ErrorBody, Refusal, Rejection};
pub(crate) use dead_letter::DeadLetter;
pub(crate) use encode::encode;
pub(crate) use sentence::{Judged, accept, judge_body};
pub use sentence::{read_body, read_cloud_event, read_event};
