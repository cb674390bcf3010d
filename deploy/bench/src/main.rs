//! `cargo xtask bench`: the product as real processes, measured from outside, beside what a user would pick instead. It says
//! what it saw; whether that is enough never fails it.
#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a command line speaks on its terminal")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that fails says where"))]

mod args;
mod engine;
mod input;
mod load;
mod log;
mod machine;
mod measures;
mod projector;
mod report;
mod run;
mod stand;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    match run::run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
