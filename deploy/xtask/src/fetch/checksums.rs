//! The checked-in checksums (`fetched.sha256`, the format of `sha256sum`, paths relative to the cache).
//! Renewing them after a change of version: fetch by hand, look at what came, then `sha256sum kafka-*/lib/* libchdb-*/libchdb.so`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

const CHECKED_IN: &str = include_str!("../../fetched.sha256");

/// File (relative to the cache) → SHA-256 in hex.
pub struct Pinned(BTreeMap<String, String>);

impl Pinned {
    /// Reads the checked-in list.
    pub fn read() -> Result<Self> {
        let pairs = CHECKED_IN.lines().map(|line| {
            let (sum, file) = line.split_once("  ").with_context(|| format!("fetched.sha256: not a checksum line: {line}"))?;
            Ok((file.to_owned(), sum.to_owned()))
        });
        Ok(Self(pairs.collect::<Result<_>>()?))
    }

    /// The lines for one directory of the cache: the text that a verified directory is stamped with.
    pub fn of(&self, directory: &str) -> BTreeMap<&str, &str> {
        let within = |file: &str| file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        self.0.iter().filter(|(file, _)| within(file)).map(|(file, sum)| (&file[directory.len() + 1..], sum.as_str())).collect()
    }
}

/// Checks that `directory` holds exactly the expected files with the expected content.
pub fn verify(directory: &Path, expected: &BTreeMap<&str, &str>) -> Result<()> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))? {
        found.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let missing: Vec<_> = expected.keys().filter(|file| !found.contains(**file)).collect();
    let unknown: Vec<_> = found.iter().filter(|file| !expected.contains_key(file.as_str())).collect();
    if !missing.is_empty() || !unknown.is_empty() {
        bail!("{}: not the pinned files; missing {missing:?}, not expected {unknown:?}", directory.display());
    }
    for (file, sum) in expected {
        let path = directory.join(file);
        let got = sha256(&path)?;
        if got != *sum {
            bail!("{}: SHA-256 is {got}, but {sum} is pinned in deploy/xtask/fetched.sha256: not used", path.display());
        }
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut HashWriter(&mut hasher)).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hex::encode(hasher.finalize()))
}

/// sha2 0.11 hashers no longer are writers themselves.
struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
