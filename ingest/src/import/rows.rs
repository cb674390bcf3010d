//! A file as rows, whatever it is: text, Parquet or a workbook. What a row says is the same in each: an object of its columns.

mod cell;
mod parquet;
mod sheet;
mod text;

use std::path::Path;

use serde::{Deserialize, Serialize};

use self::{parquet::ParquetRows, sheet::SheetRows, text::TextRows};
use super::{reading::Reading, record::Record, source::Source};
use crate::Error;

/// Where the next row begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Of the unpacked file; of a file that is not read byte by byte the share of its rows.
    pub(super) byte: u64,
    /// Lines before it.
    pub(super) line: u64,
    /// Rows before it, without the header.
    pub(super) row: u64,
}

impl Place {
    /// The place after `row` of `rows` in a file that is not read byte by byte.
    fn of_row(row: u64, rows: u64, file_bytes: u64) -> Self {
        let share = u128::from(row) * u128::from(file_bytes) / u128::from(rows.max(1));
        Self { byte: u64::try_from(share).unwrap_or(file_bytes), line: row, row }
    }
}

/// One row of the file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// From 1, without the header.
    pub(super) number: u64,
    /// The line in the file that it begins on, from 1; the row of a sheet; of Parquet, which has no lines, the number.
    pub(super) line: u64,
    /// What it says; or why it is broken.
    pub(super) record: Result<Record, Broken>,
}

/// A row that cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) reason: String,
    pub(super) text: String,
}

/// Reads rows one by one.
pub(super) enum Rows {
    Text(Box<TextRows>),
    Parquet(Box<ParquetRows>),
    Sheet(SheetRows),
}

impl Rows {
    /// Opens a file and learns its columns; goes on at `from` when given.
    ///
    /// # Errors
    /// The file cannot be read, or its header names no columns or one of them twice.
    pub(super) fn open(path: &Path, reading: &Reading, from: Option<Place>) -> Result<Self, Error> {
        Ok(match Source::open(path, reading.encoding)? {
            Source::Text(text) => Self::Text(TextRows::open(path, text, reading, from)?.into()),
            Source::Parquet(file) => Self::Parquet(ParquetRows::open(path, file, reading, from)?.into()),
            Source::Workbook(file) => Self::Sheet(SheetRows::open(path, file, reading, from)?),
        })
    }

    /// Where the next row begins.
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Text(rows) => rows.place(),
            Self::Parquet(rows) => rows.place(),
            Self::Sheet(rows) => rows.place(),
        }
    }

    /// Bytes of the unpacked file.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Text(rows) => rows.bytes(),
            Self::Parquet(rows) => rows.bytes(),
            Self::Sheet(rows) => rows.bytes(),
        }
    }

    /// The next row, or nothing at the end. Empty lines are no rows.
    ///
    /// # Errors
    /// The file cannot be read on.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        match self {
            Self::Text(rows) => rows.next(),
            Self::Parquet(rows) => rows.next(),
            Self::Sheet(rows) => Ok(rows.next()),
        }
    }
}

/// The columns of a file, if they can tell its values apart; a column without a name is one whose values are dropped.
fn checked_columns(path: &Path, line: u64, columns: Vec<String>) -> Result<Vec<String>, Error> {
    let bad = |reason: String| Error::Header { path: path.to_owned(), line, reason };
    if columns.iter().all(|column| column.trim().is_empty()) {
        return Err(bad("it names no columns".to_owned()));
    }
    let is_twice = |(index, column): &(usize, &String)| !column.is_empty() && columns[..*index].contains(column);
    if let Some((_, twice)) = columns.iter().enumerate().find(is_twice) {
        return Err(bad(format!("column {twice:?} occurs twice")));
    }
    Ok(columns)
}
