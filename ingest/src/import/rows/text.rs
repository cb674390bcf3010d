//! Rows of delimited text and NDJSON. A broken row is one row: the next begins on the next line, whatever a stray quote would
//! swallow.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use encoding_rs::Encoding;

use super::{Broken, Place, Row, checked_columns};
use crate::{
    Error,
    import::{
        reading::{Format, Reading},
        record::{Quotes, ROW_BYTES_MAX, Shape, decode, detect_delimiter, parse},
        source::TextFile,
    },
};

/// Most lines of one row: a quote that stays open longer was never meant to.
const ROW_LINES_MAX: u64 = 200;

/// Reads rows one by one.
pub(in crate::import) struct TextRows {
    path: PathBuf,
    input: BufReader<File>,
    encoding: &'static Encoding,
    shape: Shape,
    place: Place,
}

impl TextRows {
    /// Opens a file and reads its header, if it has one; goes on at `from` when given.
    ///
    /// # Errors
    /// The file cannot be read, or its header names no columns or one of them twice.
    pub(super) fn open(path: &Path, text: TextFile, reading: &Reading, from: Option<Place>) -> Result<Self, Error> {
        let TextFile { file, encoding, mark } = text;
        let shape = match reading.format_of(path) {
            Format::Ndjson => Shape::Objects,
            Format::Table => Shape::Table { delimiter: reading.delimiter.unwrap_or(b','), columns: Vec::new() },
        };
        let input = BufReader::new(file);
        let mut rows = Self { path: path.to_owned(), input, encoding, shape, place: Place::default() };
        rows.go_to(Place { byte: mark, ..Place::default() })?;
        rows.skip_lines(reading.skip_lines)?;
        let begin = rows.place;
        if matches!(rows.shape, Shape::Table { .. }) {
            rows.read_columns(reading, begin)?;
        }
        if let Some(place) = from.filter(|place| place.byte > 0) {
            rows.go_to(place)?;
        }
        Ok(rows)
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Bytes of the unpacked file.
    pub(super) fn bytes(&self) -> u64 {
        self.input.get_ref().metadata().map_or(0, |file| file.len())
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
            let record = match self.shape.judge(&text, lines, self.encoding) {
                Ok(record) => Ok(record),
                Err(reason) => {
                    let text = self.keep_first_line_only(begin, &text, lines)?;
                    let text = self.encoding.decode_without_bom_handling(text.trim_ascii_end()).0.into_owned();
                    Err(Broken { reason, text })
                }
            };
            return Ok(Some(Row { number: self.place.row, line: begin.line + 1, record }));
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

    /// Learns the delimiter, and the columns from the header or from who named them; the next row is the first.
    fn read_columns(&mut self, reading: &Reading, begin: Place) -> Result<(), Error> {
        let named = reading.columns.as_ref();
        let (first, _) = self.read_record()?;
        let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = reading.delimiter.unwrap_or_else(|| detect_delimiter(line, named.map(Vec::len)));
        self.shape = Shape::Table { delimiter, columns: Vec::new() };
        self.go_to(begin)?;
        let columns = match named {
            Some(columns) => columns.clone(),
            None => {
                let (text, _) = self.read_record()?;
                let record = parse(&text, delimiter).and_then(|record| decode(&record, &[], self.encoding));
                record.map_err(|reason| Error::Header { path: self.path.clone(), line: begin.line + 1, reason })?
            }
        };
        let columns = checked_columns(&self.path, begin.line + 1, columns)?;
        self.shape = Shape::Table { delimiter, columns };
        Ok(())
    }

    /// Titles have no fields: a quote in them opens nothing.
    fn skip_lines(&mut self, lines: u64) -> Result<(), Error> {
        for _ in 0..lines {
            let skipped = self.input.skip_until(b'\n').map_err(|source| Error::Io { path: self.path.clone(), source })?;
            self.place.byte += skipped as u64;
            self.place.line += 1;
        }
        Ok(())
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
            quotes = text[before..].iter().fold(quotes, |quotes, byte| self.shape.after(quotes, *byte));
            if quotes != Quotes::Open || lines >= ROW_LINES_MAX || text.len() > ROW_BYTES_MAX {
                return Ok((text, lines));
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use std::fs;

    use super::*;
    use crate::import::{record::Record, rows::Rows};

    fn read(text: &[u8], from: Option<Place>) -> Vec<String> {
        read_as("file.csv", text, &Reading::default(), from)
    }

    fn read_as(name: &str, text: &[u8], reading: &Reading, from: Option<Place>) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let mut rows = Rows::open(&path, reading, from).unwrap();
        let mut seen = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let what = match row.record {
                Ok(Record::Columns(fields)) => fields.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join("|"),
                Ok(Record::Object(text)) => text,
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
                "2@3 the row has 1 columns, the header has 2: \"b\" is missing [2]",
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

    #[test]
    fn the_delimiter_is_found_and_a_header_is_not_needed() {
        for delimiter in [",", "\t", ";", "|"] {
            let text = "a,b\n1,\"x\n;|\t,\"\n".replace(',', delimiter);
            let inner = format!("1@2 1|x\n;|\t{delimiter}");
            assert_eq!(read(text.as_bytes(), None), [inner], "{delimiter:?}");
        }
        let columns = |columns: &[&str]| Some(columns.iter().map(|&column| column.to_owned()).collect());
        let two = Reading { columns: columns(&["a", "b"]), ..Reading::default() };
        assert_eq!(read_as("x.tsv", b"\xef\xbb\xbf1,5,6\tx\n2,5\ty\n", &two, None), ["1@1 1,5,6|x", "2@2 2,5|y"]);
        let one = Reading { columns: columns(&["a"]), delimiter: Some(b';'), ..Reading::default() };
        assert_eq!(read_as("x.csv", b"1,5\n", &one, None), ["1@1 1,5"]);
    }

    #[test]
    fn titles_before_the_header_are_skipped() {
        let skipped = |skip_lines| Reading { skip_lines, ..Reading::default() };
        let text = b"\xef\xbb\xbfAll \"visits\r\n\r\na;b\r\n1;x\r\n";
        assert_eq!(read_as("x.csv", text, &skipped(2), None), ["1@4 1|x"]);
        assert_eq!(read_as("x.ndjson", b"# made today\n{}\n", &skipped(1), None), ["1@2 {}"]);
        let place = Place { byte: 20, line: 4, row: 1 };
        assert_eq!(
            read_as("x.csv", b"t\na,b\n1,x\n2,y\n3,z\n", &skipped(1), Some(Place { byte: 10, line: 3, row: 1 })),
            ["2@4 2|y", "3@5 3|z"]
        );
        assert_eq!(read_as("x.csv", text, &skipped(2), Some(Place { byte: text.len() as u64, ..place })), [""; 0]);
    }

    #[test]
    fn columns_without_a_name_are_dropped() {
        assert_eq!(read(b"a,b,,\n1,2,,\n3,4,x,\n", None), ["1@2 1|2", "2@3 3|4"]);
    }

    #[test]
    fn other_encodings_and_their_broken_characters() {
        let in_encoding = |encoding| Reading { encoding: Some(encoding), ..Reading::default() };
        let latin1 = in_encoding(encoding_rs::WINDOWS_1252);
        assert_eq!(read_as("x.csv", b"a,b\nZo\xeb,\x80\n", &latin1, None), ["1@2 Zo\u{eb}|\u{20ac}"]);
        let gb18030 = in_encoding(encoding_rs::GB18030);
        let text = [b"a,b\n", &*encoding_rs::GB18030.encode("\u{4e0a}\u{6d77},\u{1f600}").0, b"\n\xff,x\n"].concat();
        assert_eq!(
            read_as("x.csv", &text, &gb18030, None),
            ["1@2 \u{4e0a}\u{6d77}|\u{1f600}", "2@3 column \"a\" is not gb18030 [\u{fffd},x]"]
        );
    }

    #[test]
    fn lines_of_json() {
        let text = b"{\"a\": 1.10}\n\n[1]\n{\"a\":\n{}\n";
        let rows = read_as("x.ndjson", text, &Reading::default(), None);
        assert_eq!((&rows[0][..], &rows[1][..]), ("1@1 {\"a\": 1.10}", "2@3 the line is no JSON object [[1]]"));
        assert!(rows[2].starts_with("3@4 the line is not JSON"), "{rows:?}");
        assert_eq!(rows[3..], ["4@5 {}"]);
    }
}
