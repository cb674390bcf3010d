//! A CSV file as rows. A broken row is one row: the next begins on the next line, whatever a stray quote would swallow.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Most lines of one row: a quote that stays open longer was never meant to.
const ROW_LINES_MAX: u64 = 200;
/// Most bytes of one row.
const ROW_BYTES_MAX: usize = 1 << 20;

/// Where the next row begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) byte: u64,
    /// Lines before it.
    pub(super) line: u64,
    /// Rows before it, without the header.
    pub(super) row: u64,
}

/// One row of the file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// From 1, without the header.
    pub(super) number: u64,
    /// The line in the file that it begins on, from 1.
    pub(super) line: u64,
    /// Column and value in the file's order; or why it is broken.
    pub(super) fields: Result<Vec<(String, String)>, Broken>,
}

/// A row that cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) reason: String,
    pub(super) text: String,
}

/// Reads rows one by one.
pub(super) struct Rows {
    path: PathBuf,
    input: BufReader<File>,
    columns: Vec<String>,
    place: Place,
}

impl Rows {
    /// Opens a file and reads its header; goes on at `from` when given.
    ///
    /// # Errors
    /// The file cannot be read, or its header names no columns or one of them twice.
    pub(super) fn open(path: &Path, from: Option<Place>) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let mut rows = Self { path: path.to_owned(), input: BufReader::new(file), columns: Vec::new(), place: Place::default() };
        rows.columns = rows.read_header()?;
        if let Some(place) = from.filter(|place| place.byte > 0) {
            rows.go_to(place)?;
        }
        Ok(rows)
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The next row, or nothing at the end. Empty lines are no rows.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        loop {
            let begin = self.place;
            let (text, lines) = self.read_record()?;
            if lines == 0 {
                return Ok(None);
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            self.place.row += 1;
            let fields = match judge(&text, lines, &self.columns) {
                Ok(fields) => Ok(fields),
                Err(reason) => {
                    let text = self.keep_first_line_only(begin, &text, lines)?;
                    Err(Broken { reason, text: String::from_utf8_lossy(text.trim_ascii_end()).into_owned() })
                }
            };
            return Ok(Some(Row { number: self.place.row, line: begin.line + 1, fields }));
        }
    }

    /// A broken row that seems to span lines gives back all but its first.
    fn keep_first_line_only<'a>(&mut self, begin: Place, text: &'a [u8], lines: u64) -> Result<&'a [u8], Error> {
        if lines == 1 {
            return Ok(text);
        }
        let end = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| newline + 1);
        self.go_to(Place { byte: begin.byte + end as u64, line: begin.line + 1, row: self.place.row })?;
        Ok(&text[..end])
    }

    fn read_header(&mut self) -> Result<Vec<String>, Error> {
        let (text, _) = self.read_record()?;
        let header = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let columns = parse(header).and_then(|record| utf8(&record, &[])).map_err(|reason| self.bad_header(&reason))?;
        if columns.iter().all(|column| column.trim().is_empty()) {
            return Err(self.bad_header("it names no columns"));
        }
        if let Some(twice) = columns.iter().enumerate().find(|(index, column)| columns[..*index].contains(column)) {
            return Err(self.bad_header(&format!("column {:?} occurs twice", twice.1)));
        }
        Ok(columns)
    }

    fn bad_header(&self, reason: &str) -> Error {
        Error::Header { path: self.path.clone(), reason: reason.to_owned() }
    }

    fn go_to(&mut self, place: Place) -> Result<(), Error> {
        self.input.seek(SeekFrom::Start(place.byte)).map_err(|source| Error::Io { path: self.path.clone(), source })?;
        self.place = place;
        Ok(())
    }

    /// The text up to the end of a line outside quotes, and how many lines that is; none at the end of the file.
    fn read_record(&mut self) -> Result<(Vec<u8>, u64), Error> {
        let (mut text, mut lines, mut quotes) = (Vec::new(), 0, Quotes::FieldStart);
        loop {
            let before = text.len();
            let limit = (ROW_BYTES_MAX + 1 - before.min(ROW_BYTES_MAX)) as u64;
            let read = Read::by_ref(&mut self.input).take(limit).read_until(b'\n', &mut text);
            let read = read.map_err(|source| Error::Io { path: self.path.clone(), source })?;
            if read == 0 {
                return Ok((text, lines));
            }
            lines += 1;
            self.place.byte += read as u64;
            self.place.line += 1;
            quotes = text[before..].iter().fold(quotes, |quotes, byte| quotes.after(*byte));
            if quotes != Quotes::Open || lines >= ROW_LINES_MAX || text.len() > ROW_BYTES_MAX {
                return Ok((text, lines));
            }
        }
    }
}

/// Where in a record a byte stands, as far as quotes go (RFC 4180).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    FieldStart,
    /// In a field without quotes; a quote there is a character like others.
    Plain,
    Open,
    /// After a quote inside quotes: the end of the field, or the first half of a doubled quote.
    Closing,
    /// Text after a closing quote, which a careful writer never makes.
    Sloppy,
}

impl Quotes {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Open, b'"') => Self::Closing,
            (Self::Open, _) | (Self::Closing | Self::FieldStart, b'"') => Self::Open,
            (Self::Sloppy, _) | (Self::Closing, 0x20..=0x2b | 0x2d..) => Self::Sloppy,
            (_, b',' | b'\n' | b'\r') => Self::FieldStart,
            (Self::Closing | Self::FieldStart | Self::Plain, _) => Self::Plain,
        }
    }
}

/// The fields of a whole row, or why they cannot be told.
fn judge(text: &[u8], lines: u64, columns: &[String]) -> Result<Vec<(String, String)>, String> {
    let end = text.iter().fold(Quotes::FieldStart, |quotes, byte| quotes.after(*byte));
    if text.len() > ROW_BYTES_MAX {
        return Err(format!("the row has more than {ROW_BYTES_MAX} bytes"));
    }
    if end == Quotes::Open || (lines > 1 && end == Quotes::Sloppy) {
        return Err("a quote opens and does not close".to_owned());
    }
    let record = parse(text)?;
    if record.len() != columns.len() {
        let quoted = if lines > 1 { ", or a quote opens and does not close" } else { "" };
        return Err(format!("the row has {} columns, the header has {}{quoted}", record.len(), columns.len()));
    }
    let values = utf8(&record, columns)?;
    Ok(columns.iter().cloned().zip(values).collect())
}

fn parse(text: &[u8]) -> Result<csv::ByteRecord, String> {
    let mut record = csv::ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(512).from_reader(text);
    reader.read_byte_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record)
}

fn utf8(record: &csv::ByteRecord, columns: &[String]) -> Result<Vec<String>, String> {
    let read = |(index, field): (usize, &[u8])| {
        let column = columns.get(index).map_or(format!("{}", index + 1), |name| format!("{name:?}"));
        String::from_utf8(field.to_vec()).map_err(|_| format!("column {column} is not UTF-8"))
    };
    record.iter().enumerate().map(read).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &[u8], from: Option<Place>) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.csv");
        fs::write(&path, text).unwrap();
        let mut rows = Rows::open(&path, from).unwrap();
        let mut seen = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let what = match row.fields {
                Ok(fields) => fields.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join("|"),
                Err(broken) => format!("{} [{}]", broken.reason, broken.text),
            };
            seen.push(format!("{}@{} {what}", row.number, row.line));
        }
        seen
    }

    #[test]
    fn a_broken_row_is_one_row() {
        let text = b"\xef\xbb\xbfa,b\r\n1,x\r\n2\r\n\r\n3,\"two\r\nlines, \"\"quoted\"\"\"\r\n4,\"never closed\r\n5,5\" pipe\r\n6,\xe9\r\n7,\"end";
        assert_eq!(
            read(text, None),
            [
                "1@2 1|x",
                "2@3 the row has 1 columns, the header has 2 [2]",
                "3@5 3|two\r\nlines, \"quoted\"",
                "4@7 a quote opens and does not close [4,\"never closed]",
                "5@8 5|5\" pipe",
                "6@9 column \"b\" is not UTF-8 [6,\u{fffd}]",
                "7@10 a quote opens and does not close [7,\"end]",
            ]
        );
    }

    #[test]
    fn an_open_quote_that_another_one_closes_swallows_nothing() {
        let text = b"a,b\n1,\"open\n2,\"closed\"\n3,c\n";
        let rows = read(text, None);
        assert_eq!(rows[1..], ["2@3 2|closed", "3@4 3|c"], "{rows:?}");
        assert!(rows[0].starts_with("1@2 a quote opens"), "{rows:?}");
    }

    #[test]
    fn goes_on_where_it_was() {
        let place = Place { byte: 8, line: 2, row: 1 };
        assert_eq!(read(b"a,b\n1,x\n2,y\n", Some(place)), ["2@3 2|y"]);
    }
}
