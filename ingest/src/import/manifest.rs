//! `mapping.toml` beside a mapping: what it knows of its files, so that nobody has to type it.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

/// All of it is optional, and every option of the command line goes before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Manifest {
    /// Columns of files without a header, by file name.
    pub(super) columns: BTreeMap<String, Vec<String>>,
    /// Lookups by their names in the mapping, and the file names under which they lie beside the imported file.
    pub(super) with: BTreeMap<String, PathBuf>,
}
