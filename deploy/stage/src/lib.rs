//! A stage for the product as real processes: a temporary directory, free ports, companies with keys, and child processes
//! that die with their values. What is played on it (`chaos`, `bench`) is no part of it.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails says where"))]

pub mod company;
mod process;
mod stage;

pub use company::Company;
pub use process::{Process, child_of, last_lines, signal};
pub use stage::{Setting, Stage, Target};
