//! Rows of a workbook's sheet (.xlsx, .xlsb, .xls, .ods). These formats can only be held whole, so that their size has a bound.

use std::{
    fs::File,
    io::{self, BufReader, Seek},
    path::Path,
};

use calamine::{Data, Ods, Reader, Xls, Xlsb, Xlsx, open_workbook_from_rs};
use serde_json::Map;
use zip::ZipArchive;

use super::{
    Broken, Place, Row,
    cell::{to_json, to_name},
    checked_columns,
};
use crate::{
    Error,
    import::{
        reading::Reading,
        record::{ROW_BYTES_MAX, Record},
        source::is_zip,
    },
};

/// Bytes that a workbook may unpack to; held as cells it takes a few times as many.
const WORKBOOK_BYTES_MAX: u64 = 256 << 20;

/// A row that is not empty: its number in the sheet, from 1, and its cells from the first column on.
type Cells = (u64, Vec<Data>);

/// Reads rows one by one.
pub(in crate::import) struct SheetRows {
    columns: Vec<String>,
    rows: Vec<Cells>,
    row: usize,
    file_bytes: u64,
}

impl SheetRows {
    pub(super) fn open(path: &Path, file: File, reading: &Reading, from: Option<Place>) -> Result<Self, Error> {
        let unreadable = |error: io::Error| Error::Io { path: path.to_owned(), source: error };
        let file_bytes = file.metadata().map_err(unreadable)?.len();
        let mut rows = read_sheet(file, reading.sheet.as_deref()).map_err(unreadable)?;
        rows.retain(|(line, _)| *line > reading.skip_lines);
        let columns = match &reading.columns {
            Some(columns) => checked_columns(path, 1, columns.clone())?,
            None if rows.is_empty() => checked_columns(path, 1, Vec::new())?,
            None => {
                let (line, header) = rows.remove(0);
                checked_columns(path, line, header.iter().map(to_name).collect())?
            }
        };
        let row = from.map_or(0, |place| usize::try_from(place.row).unwrap_or(usize::MAX));
        Ok(Self { columns, rows, row, file_bytes })
    }

    pub(super) fn place(&self) -> Place {
        Place::of_row(self.row as u64, self.rows.len() as u64, self.file_bytes)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.file_bytes
    }

    pub(super) fn next(&mut self) -> Option<Row> {
        let (line, cells) = self.rows.get_mut(self.row)?;
        let (line, cells) = (*line, std::mem::take(cells));
        self.row += 1;
        Some(Row { number: self.row as u64, line, record: record(&self.columns, &cells) })
    }
}

/// The row as JSON; a column without a cell is null, a cell under no name is dropped.
fn record(columns: &[String], cells: &[Data]) -> Result<Record, Broken> {
    let value = |index: usize| cells.get(index).map_or(serde_json::Value::Null, to_json);
    let named = columns.iter().enumerate().filter(|(_, name)| !name.is_empty());
    let text =
        serde_json::Value::from(named.map(|(index, name)| (name.clone(), value(index))).collect::<Map<_, _>>()).to_string();
    let broken = |reason: String| Err(Broken { reason, text: text.chars().take(1_000).collect() });
    if cells.len() > columns.len() {
        return broken(format!("the row has {} columns, the header has {}", cells.len(), columns.len()));
    }
    if text.len() > ROW_BYTES_MAX {
        return broken(format!("the row has more than {ROW_BYTES_MAX} bytes"));
    }
    Ok(Record::Object(text))
}

/// The rows of a sheet that are not empty; the first sheet's, where none is named.
fn read_sheet(mut file: File, named: Option<&str>) -> io::Result<Vec<Cells>> {
    if !is_zip(&mut file)? {
        within_bound(file.metadata()?.len())?;
        return sheet_of(Xls::new(BufReader::new(file)), named);
    }
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    let sizes = (0..archive.len()).map(|index| Ok(archive.by_index_raw(index)?.size())).collect::<io::Result<Vec<u64>>>()?;
    within_bound(sizes.iter().fold(0, |sum, size| sum.saturating_add(*size)))?;
    let is_there = |name: &str| archive.index_for_name(name).is_some();
    let (is_xlsx, is_xlsb) = (is_there("xl/workbook.xml"), is_there("xl/workbook.bin"));
    let mut file = archive.into_inner();
    file.rewind()?;
    match (is_xlsx, is_xlsb) {
        (true, _) => xlsx_sheet(file, named),
        (_, true) => sheet_of(Xlsb::new(file), named),
        _ => sheet_of(Ods::new(file), named),
    }
}

fn within_bound(bytes: u64) -> io::Result<()> {
    if bytes <= WORKBOOK_BYTES_MAX {
        return Ok(());
    }
    let [found, most] = [bytes, WORKBOOK_BYTES_MAX].map(|bytes| bytes.div_ceil(1 << 20));
    Err(io::Error::other(format!(
        "a workbook must be held in memory whole; this one has {found} MiB unpacked, and at most {most} MiB are read: \
         save the sheet as CSV, which has no such limit"
    )))
}

/// Cell by cell, because a single one far from the others would else make a huge empty range of cells.
fn xlsx_sheet(file: BufReader<File>, named: Option<&str>) -> io::Result<Vec<Cells>> {
    let mut workbook: Xlsx<_> = open_workbook_from_rs(file).map_err(io::Error::other)?;
    let name = sheet_name(&workbook.sheet_names(), named)?;
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(io::Error::other)?;
    let mut rows: Vec<Cells> = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(io::Error::other)? {
        let (row, column) = cell.get_position();
        let value = Data::from(cell.get_value().clone());
        if is_empty(&value) {
            continue;
        }
        let line = u64::from(row) + 1;
        if rows.last().is_none_or(|(last, _)| *last != line) {
            rows.push((line, Vec::new()));
        }
        if let Some((_, cells)) = rows.last_mut() {
            cells.resize(cells.len().max(column as usize + 1), Data::Empty);
            cells[column as usize] = value;
        }
    }
    Ok(rows)
}

fn sheet_of<R: Reader<BufReader<File>>>(workbook: Result<R, R::Error>, named: Option<&str>) -> io::Result<Vec<Cells>>
where
    R::Error: std::error::Error + Send + Sync + 'static,
{
    let mut workbook = workbook.map_err(io::Error::other)?;
    let name = sheet_name(&workbook.sheet_names(), named)?;
    let range = workbook.worksheet_range(&name).map_err(io::Error::other)?;
    let (first_row, first_column) = range.start().unwrap_or_default();
    let rows = range.rows().zip(u64::from(first_row) + 1..).filter_map(|(row, line)| {
        let last = row.iter().rposition(|cell| !is_empty(cell))?;
        let before = std::iter::repeat_n(Data::Empty, first_column as usize);
        Some((line, before.chain(row[..=last].iter().cloned()).collect()))
    });
    Ok(rows.collect())
}

fn is_empty(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn sheet_name(names: &[String], named: Option<&str>) -> io::Result<String> {
    let found = match named {
        None => names.first(),
        Some(named) => names.iter().find(|name| *name == named),
    };
    found.cloned().ok_or_else(|| {
        io::Error::other(format!("there is no sheet {:?} in it; it has {}", named.unwrap_or_default(), names.join(", ")))
    })
}
