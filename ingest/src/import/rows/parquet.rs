//! Rows of a Parquet file, in pieces of a bounded size whatever its row groups are. Values become JSON by arrow's own
//! conversion: decimals keep their digits, instants their fractions; lists and structs are lists and objects.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use arrow::{
    error::ArrowError,
    json::{WriterBuilder, writer::LineDelimited},
};
use parquet::{
    arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    file::metadata::ParquetMetaData,
};

use super::{Broken, Place, Row, checked_columns};
use crate::{
    Error,
    import::{
        reading::Reading,
        record::{ROW_BYTES_MAX, Record},
    },
};

/// Most rows that are decoded at once.
const PIECE_ROWS_MAX: u64 = 1_024;
/// Bytes, as they are unpacked in the file, that are decoded at once, unless one row has more.
const PIECE_BYTES_MAX: u64 = 4 << 20;

/// Reads rows one by one.
pub(in crate::import) struct ParquetRows {
    path: PathBuf,
    pieces: ParquetRecordBatchReader,
    /// The rows of the piece at hand, as JSON.
    piece: VecDeque<String>,
    row: u64,
    rows: u64,
    file_bytes: u64,
}

impl ParquetRows {
    pub(super) fn open(path: &Path, file: File, reading: &Reading, from: Option<Place>) -> Result<Self, Error> {
        let unreadable = |error: io::Error| Error::Io { path: path.to_owned(), source: error };
        if reading.columns.is_some() || reading.skip_lines > 0 {
            let reason = "Parquet names its columns itself: leave --columns and --skip-lines out".to_owned();
            return Err(Error::Header { path: path.to_owned(), line: 1, reason });
        }
        let file_bytes = file.metadata().map_err(unreadable)?.len();
        let file = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(io::Error::other(error)))?;
        let columns = file.schema().fields().iter().map(|field| field.name().clone()).collect();
        checked_columns(path, 1, columns)?;
        let rows = u64::try_from(file.metadata().file_metadata().num_rows()).unwrap_or_default();
        let row = from.map_or(0, |place| place.row);
        let piece_rows = piece_rows(file.metadata());
        let file = file.with_batch_size(piece_rows).with_offset(usize::try_from(row).unwrap_or(usize::MAX));
        let pieces = file.build().map_err(|error| unreadable(io::Error::other(error)))?;
        Ok(Self { path: path.to_owned(), pieces, piece: VecDeque::new(), row, rows, file_bytes })
    }

    pub(super) fn place(&self) -> Place {
        Place::of_row(self.row, self.rows, self.file_bytes)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.file_bytes
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        while self.piece.is_empty() {
            let Some(piece) = self.pieces.next() else { return Ok(None) };
            let lines = piece.and_then(|piece| {
                let mut lines = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(Vec::new());
                lines.write(&piece)?;
                String::from_utf8(lines.into_inner()).map_err(|error| ArrowError::JsonError(error.to_string()))
            });
            let lines = lines.map_err(|error| Error::Io { path: self.path.clone(), source: io::Error::other(error) })?;
            self.piece = lines.lines().map(str::to_owned).collect();
        }
        let Some(text) = self.piece.pop_front() else { return Ok(None) };
        self.row += 1;
        let record = if text.len() > ROW_BYTES_MAX {
            let reason = format!("the row has more than {ROW_BYTES_MAX} bytes");
            Err(Broken { reason, text: text.chars().take(1_000).collect() })
        } else {
            Ok(Record::Object(text))
        };
        Ok(Some(Row { number: self.row, line: self.row, record }))
    }
}

/// As many rows as are about [`PIECE_BYTES_MAX`] in the row group whose rows are largest.
fn piece_rows(metadata: &ParquetMetaData) -> usize {
    let row_bytes = |group: &parquet::file::metadata::RowGroupMetaData| {
        let (bytes, rows) = (group.total_byte_size().max(0), group.num_rows().max(1));
        (bytes / rows).unsigned_abs().max(1)
    };
    let largest = metadata.row_groups().iter().map(row_bytes).max().unwrap_or(1);
    usize::try_from((PIECE_BYTES_MAX / largest).clamp(1, PIECE_ROWS_MAX)).unwrap_or(1)
}
