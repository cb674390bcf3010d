//! Which Java is installed. Shared with xtask by path; hence only `std` here.

use std::process::{Command, Stdio};

/// Kafka 4 does not start on anything older.
pub const OLDEST: u32 = 17;
/// How to get it.
pub const INSTALL: &str =
    "apt-get install openjdk-17-jre-headless (Debian, Ubuntu) or dnf install java-17-openjdk-headless (Fedora)";

/// The major version of `java`, or what is wrong with it.
pub fn major() -> Result<u32, String> {
    let said = Command::new("java").arg("-version").stdin(Stdio::null()).output();
    let said = said.map_err(|error| format!("`java` cannot be run ({error}): Kafka runs on Java {OLDEST} or newer"))?;
    let text = String::from_utf8_lossy(&said.stderr);
    // First line: openjdk version "17.0.15" 2025-04-15
    let major = text.split('"').nth(1).and_then(|version| version.split(['.', '-']).next()?.parse().ok());
    match major {
        Some(major) if major >= OLDEST => Ok(major),
        Some(major) => Err(format!("`java` is version {major}: Kafka runs on Java {OLDEST} or newer")),
        None => Err(format!("`java -version` does not tell its version: {}", text.trim())),
    }
}
