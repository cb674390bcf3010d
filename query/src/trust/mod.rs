//! How far an answer can be trusted: which events are in it, how fresh it is, and what could not be counted.

mod generation;
mod heartbeat;
mod position;
mod stamp;

pub(crate) use generation::{Generation, LiveGeneration};
pub(crate) use heartbeat::{Finding, Pulse, pulse};
pub(crate) use position::{Looks, Wanted, reached};
pub(crate) use stamp::{LiveStamp, Stamp, Trust, stamp};
