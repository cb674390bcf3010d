//! `tidemark config`: the commented defaults, which are the manual of the settings.

use crate::config;

/// Prints them.
pub fn run() {
    print!("{}", config::manual());
}
