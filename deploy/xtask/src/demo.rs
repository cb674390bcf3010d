//! placeholder until `tidemark up` exists
use anyhow::Result;

/// The demo's switches.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(_args: &Args) -> Result<()> {
    Ok(())
}
