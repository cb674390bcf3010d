//! `tidemark config`: the commented defaults, which are the manual of the settings.

use crate::config;
use crate::say::say;

/// Prints them.
pub fn run() {
    say(config::manual().trim_end());
}
