//! The tools a machine must have, and the sentence that says how to get a missing one.

use std::env::consts::{ARCH, OS};
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};

use crate::java;

/// A program that must answer `probe`.
pub struct Tool {
    program: &'static str,
    probe: &'static [&'static str],
    needed_for: &'static str,
    install: &'static str,
}

pub const MAVEN: Tool = Tool {
    program: "mvn",
    probe: &["--version"],
    needed_for: "Maven fetches Kafka's jars",
    install: "apt-get install maven (Debian, Ubuntu) or dnf install maven (Fedora)",
};
pub const NPM: Tool = Tool {
    program: "npm",
    probe: &["--version"],
    needed_for: "npm fetches ClickHouse's engine",
    install: "apt-get install npm (Debian, Ubuntu), dnf install nodejs-npm (Fedora), or the installer of nodejs.org",
};
pub const PYTHON: Tool = Tool {
    program: "python3",
    probe: &["-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 10))"],
    needed_for: "some tests use Python clients, which want 3.10 or newer with venv",
    install: "apt-get install python3 python3-venv (Debian, Ubuntu) or dnf install python3 (Fedora)",
};
const COMPILER: Tool = Tool {
    program: "cc",
    probe: &["--version"],
    needed_for: "the Kafka client and the allocator are written in C",
    install: "apt-get install build-essential (Debian, Ubuntu) or dnf group install development-tools (Fedora)",
};
const MAKE: Tool = Tool {
    program: "make",
    probe: &["--version"],
    needed_for: "the Kafka client is built with make",
    install: "apt-get install build-essential (Debian, Ubuntu) or dnf group install development-tools (Fedora)",
};

impl Tool {
    /// Fails with what the tool is for and how to install it.
    pub fn require(&self) -> Result<()> {
        let ran =
            Command::new(self.program).args(self.probe).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !ran.is_ok_and(|status| status.success()) {
            bail!("`{}` is missing: {}.\nInstall it: {}", self.program, self.needed_for, self.install);
        }
        Ok(())
    }
}

/// Fails unless `java` is there and new enough.
pub fn require_java() -> Result<()> {
    java::major().map(drop).map_err(|wrong| anyhow!("{wrong}.\nInstall it: {}", java::INSTALL))
}

/// Fails unless what cargo cannot build without is there.
pub fn require_compiler() -> Result<()> {
    COMPILER.require()?;
    MAKE.require()
}

/// The engine is pinned for one platform; everything but the engine runs elsewhere too.
pub fn check_platform() -> Result<()> {
    if (OS, ARCH) != ("linux", "x86_64") || cfg!(not(target_env = "gnu")) {
        bail!(
            "the embedded stack is pinned for Linux on x86-64 with glibc only, and this is {OS} on {ARCH}: \
             `cargo xtask fetch`, `test` and `demo` do not work here.\n\
             Use a Linux x86-64 machine or container, or run `tidemark ingest`, `project` and `query` against \
             a Kafka and a ClickHouse of your own ([kafka] and [clickhouse] in tidemark.toml)."
        );
    }
    Ok(())
}
