//! The state directory: what lies where in it, and that only one `tidemark up` uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A state directory in use by this process; the lock goes with the process, however it ends.
pub struct StateDir {
    root: PathBuf,
    _lock: File,
}

impl StateDir {
    /// Creates the directory where it is missing and takes its lock.
    ///
    /// # Errors
    /// Another `tidemark up` uses it, or it cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        let cannot = || format!("cannot use the state directory {}", root.display());
        fs::create_dir_all(root.join("logs")).with_context(cannot)?;
        let root = root.canonicalize().with_context(cannot)?;
        let lock = lock(&root)?;
        Ok(Self { root, _lock: lock })
    }

    /// Kafka's settings and log segments.
    pub fn kafka(&self) -> PathBuf {
        self.root.join("kafka")
    }

    /// The engine's tables.
    pub fn clickhouse(&self) -> PathBuf {
        self.root.join("clickhouse")
    }

    /// Where a child process of this name writes its log.
    pub fn log_of(&self, name: &str) -> PathBuf {
        self.root.join("logs").join(format!("{name}.log"))
    }
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner)?;
            bail!(
                "the state directory {} is in use by another `tidemark up` (process {}): stop that one, or give this one its own with --state",
                root.display(),
                owner.trim(),
            );
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}
