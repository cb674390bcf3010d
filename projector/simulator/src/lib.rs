//! A seeded simulator of the projector: its real code on a log, a sink, local disks and a clock in memory, with faults at
//! every point where the world can fail. What is read at a position must be what the naive model folds from the log.

mod chaos;
mod company;
mod dice;
mod disk;
mod engine;
mod faults;
mod feed;
mod invariant;
mod log;
mod owner;
mod seed;
mod world;

pub use company::Company;
pub use faults::{Hits, Point};
pub use seed::simulate;
