//! `tidemark config`: the commented defaults, which are the manual of the settings.

use std::io::{self, Write};

use anyhow::Result;

use crate::config;

/// Prints them.
///
/// # Errors
/// Nobody reads them to the end.
pub fn run() -> Result<()> {
    Ok(io::stdout().write_all(config::manual().as_bytes())?)
}
