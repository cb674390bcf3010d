//! How a file's bytes are to be read, where its name, its first bytes and its first line do not say it.

use std::path::Path;

use encoding_rs::Encoding;
use sha2::{Digest, Sha256};

/// Everything that is `None` is found out.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Delimited text or NDJSON; by the name: `.ndjson`, `.jsonl` and their `.gz` are NDJSON.
    pub format: Option<Format>,
    /// The character between fields; by the first line: comma, tab, semicolon or `|`.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook; the first.
    pub sheet: Option<String>,
    /// The columns of a file without a header; by the first line.
    pub columns: Option<Vec<String>>,
    /// Lines of text, or rows of a sheet, before the header.
    pub skip_lines: u64,
    /// By a byte order mark, else UTF-8.
    pub encoding: Option<&'static Encoding>,
}

/// What a record of a text file is; Parquet and workbooks are told by their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Fields between delimiters (CSV, TSV).
    Table,
    /// One JSON object a line.
    Ndjson,
}

impl Reading {
    /// An encoding by its label: `latin1`, `gb18030`, `utf-8`, `shift_jis` and every other one of the WHATWG list.
    /// `latin1` is windows-1252, as in browsers.
    #[must_use]
    pub fn encoding_of(label: &str) -> Option<&'static Encoding> {
        Encoding::for_label(label.as_bytes())
    }

    /// A delimiter by its character or name.
    #[must_use]
    pub fn delimiter_of(named: &str) -> Option<u8> {
        match named {
            "comma" | "," => Some(b','),
            "tab" | "\t" | "\\t" => Some(b'\t'),
            "semicolon" | ";" => Some(b';'),
            "pipe" | "|" => Some(b'|'),
            _ => None,
        }
    }

    pub(super) fn format_of(&self, path: &Path) -> Format {
        self.format.unwrap_or_else(|| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let name = name.trim_end_matches(".gz").trim_end_matches(".zip");
            if name.ends_with(".ndjson") || name.ends_with(".jsonl") { Format::Ndjson } else { Format::Table }
        })
    }

    /// Another reading makes another import of the same file.
    pub(super) fn hash(&self, hash: &mut Sha256) {
        hash.update(Sha256::digest(format!("{self:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_what_a_file_is() {
        let format = |name: &str| Reading::default().format_of(Path::new(name));
        assert_eq!(["a.ndjson", "b.JSONL.gz", "c.jsonl.zip"].map(format), [Format::Ndjson; 3]);
        assert_eq!(["a.csv", "b.tsv.gz", "c"].map(format), [Format::Table; 3]);
    }

    #[test]
    fn encodings_go_by_their_usual_names() {
        let name = |label: &str| Reading::encoding_of(label).map(Encoding::name);
        assert_eq!(["latin1", "GB18030", "utf8"].map(name), [Some("windows-1252"), Some("gb18030"), Some("UTF-8")]);
        assert_eq!(name("klingon"), None);
    }
}
