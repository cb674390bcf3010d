//! What an import needs to know, and its bounds.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::reading::Reading;

/// Options of [`super::import`].
#[derive(Clone)]
pub struct ImportOptions {
    /// Delimited text, NDJSON, Parquet or a workbook, plain, gzip or zip.
    pub file: PathBuf,
    /// How it is read.
    pub reading: Reading,
    /// The name of a shipped mapping, a `.jq` file, or a folder with a `mapping.jq`.
    pub mapping: String,
    /// Other files, by the name under which the mapping looks things up in them.
    pub with: BTreeMap<String, PathBuf>,
    /// The columns of those of them that have no header.
    pub with_columns: BTreeMap<String, Vec<String>>,
    /// The sheets of those of them that are workbooks, where it is not the first.
    pub with_sheet: BTreeMap<String, String>,
    /// The revision of events that name none: a corrected file corrects when it is higher than before.
    pub revision: Option<i64>,
    /// Ingest's address: `http://host:port`.
    pub url: String,
    /// API key; it decides the tenant.
    pub key: String,
    /// Where `FILE.refused.ndjson` and `FILE.progress.json` go; beside the file by default.
    pub report_dir: Option<PathBuf>,
    /// Begin at the first row, whatever an earlier import got done.
    pub restart: bool,
    /// Draw a progress bar where standard error is a terminal.
    pub progress_bar: bool,
    /// Events of one request; a row's events stay together.
    pub batch_events_max: usize,
    /// Bytes of one request, unless one row's events are more.
    pub batch_bytes_max: usize,
    /// Requests under way at one time.
    pub concurrency: usize,
    /// How long one request may take.
    pub request_timeout_ms: u64,
    /// How long a request is tried again while ingest is busy or away.
    pub retry_ms_max: u64,
}

impl ImportOptions {
    /// The defaults around the four things that have none.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, mapping: impl Into<String>, url: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            reading: Reading::default(),
            mapping: mapping.into(),
            with: BTreeMap::new(),
            with_columns: BTreeMap::new(),
            with_sheet: BTreeMap::new(),
            revision: None,
            url: url.into(),
            key: key.into(),
            report_dir: None,
            restart: false,
            progress_bar: true,
            batch_events_max: 1_000,
            batch_bytes_max: 1 << 20,
            concurrency: 4,
            request_timeout_ms: 60_000,
            retry_ms_max: 300_000,
        }
    }
}

impl fmt::Debug for ImportOptions {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportOptions {{ file: {:?}, mapping: {:?}, url: {:?}, .. }}", self.file, self.mapping, self.url)
    }
}
