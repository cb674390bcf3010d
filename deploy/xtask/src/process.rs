//! Running other programs: quietly with a sign of life, or on our terminal; failures show what was run and what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a long quiet program is reported to be still at work.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// Runs a program quietly, with a line every ten seconds; its output is shown only where it fails.
pub fn quietly(what: &str, command: &mut Command) -> Result<Output> {
    eprintln!("  {what} ...");
    let shown = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    let output = still_there(what, move || child.wait_with_output())?;
    if !output.status.success() {
        let said = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        bail!("{what} failed ({}): {shown}\n{}", output.status, String::from_utf8_lossy(&said));
    }
    Ok(output)
}

/// Runs a program on our own terminal.
pub fn openly(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed ({status})");
    }
    Ok(())
}

/// The cargo that runs us, in the workspace's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(workspace());
    command
}

/// Builds every program of the workspace and says where they lie. Always all of them: cargo would build the dependencies of a
/// few with other features, and so once more.
pub fn built(release: bool) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--quiet", "--workspace", "--bins"]);
    openly(build.args(release.then_some("--release")))?;
    let profiles = binaries()?.parent().context("binaries lie in no directory")?.to_owned();
    Ok(profiles.join(if release { "release" } else { "debug" }))
}

/// The workspace's root: of the clone that this command was given in. What was true when this program was built may not be: clones
/// share a target directory, and cargo does not build it again for another one.
pub fn workspace() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&package).join("../..")
    });
    &ROOT
}

/// Where cargo puts the binaries of the dev profile: beside this program, which it built the same way.
pub fn binaries() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program lies")?;
    Ok(own.parent().context("this program lies in no directory")?.to_owned())
}

/// Runs `work` on a thread and says every ten seconds that it is not done yet.
fn still_there<T: Send + 'static>(what: &str, work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    let started = Instant::now();
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    loop {
        match result.recv_timeout(SIGN_OF_LIFE) {
            Ok(result) => return result.with_context(|| format!("{what} could not be waited for")),
            Err(RecvTimeoutError::Timeout) => eprintln!("  {what}: {} s", started.elapsed().as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("{what}: the thread that waits for it ended"),
        }
    }
}
