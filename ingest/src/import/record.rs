//! One record of a file: where it ends, and its fields or why they cannot be told.

use encoding_rs::Encoding;
use serde::Serializer;
use serde_json::{Map, Value, value::RawValue};

/// Most bytes of one row.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;
/// Missing columns that a reason names.
const MISSING_SHOWN: usize = 5;

/// A row's content.
#[derive(Debug, Clone)]
pub(super) enum Record {
    /// Column and value in the file's order.
    Columns(Vec<(String, String)>),
    /// A line of NDJSON: the text of an object.
    Object(String),
}

impl Record {
    /// The row as JSON, its columns in the order of the file, as a mapping sees them.
    pub(super) fn to_text(&self) -> serde_json::Result<String> {
        let fields = match self {
            Self::Columns(fields) => fields,
            Self::Object(text) => return Ok(text.clone()),
        };
        let mut text = Vec::new();
        serde_json::Serializer::new(&mut text).collect_map(fields.iter().map(|(name, value)| (name, value)))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// For reports, where the order of columns does not matter.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Columns(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>().into()
            }
            Self::Object(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        }
    }
}

/// How a file's bytes are records.
pub(super) enum Shape {
    /// Delimited text with these columns; what stands in a column without a name is dropped.
    Table { delimiter: u8, columns: Vec<String> },
    /// NDJSON.
    Objects,
}

impl Shape {
    /// Where the record stands after one more of its bytes.
    pub(super) fn after(&self, quotes: Quotes, byte: u8) -> Quotes {
        match self {
            Self::Table { delimiter, .. } => quotes.after(byte, *delimiter),
            Self::Objects => Quotes::Plain,
        }
    }

    /// The content of a whole row, or why it cannot be told.
    pub(super) fn judge(&self, text: &[u8], lines: u64, encoding: &'static Encoding) -> Result<Record, String> {
        if text.len() > ROW_BYTES_MAX {
            return Err(format!("the row has more than {ROW_BYTES_MAX} bytes"));
        }
        match self {
            Self::Objects => object(text, encoding),
            Self::Table { delimiter, columns } => table_row(text, lines, *delimiter, columns, encoding),
        }
    }
}

fn object(text: &[u8], encoding: &'static Encoding) -> Result<Record, String> {
    let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(text) else {
        return Err(format!("the line is not {}", encoding.name()));
    };
    let text = text.trim();
    serde_json::from_str::<&RawValue>(text).map_err(|error| format!("the line is not JSON: {error}"))?;
    if text.starts_with('{') { Ok(Record::Object(text.to_owned())) } else { Err("the line is no JSON object".to_owned()) }
}

fn table_row(text: &[u8], lines: u64, delimiter: u8, columns: &[String], encoding: &'static Encoding) -> Result<Record, String> {
    let end = text.iter().fold(Quotes::FieldStart, |quotes, byte| quotes.after(*byte, delimiter));
    if end == Quotes::Open || (lines > 1 && end == Quotes::Sloppy) {
        return Err("a quote opens and does not close".to_owned());
    }
    let record = parse(text, delimiter)?;
    if record.len() != columns.len() {
        let quoted = if lines > 1 { ", or a quote opens and does not close" } else { "" };
        let missing = missing(columns.get(record.len()..).unwrap_or_default());
        return Err(format!("the row has {} columns, the header has {}{missing}{quoted}", record.len(), columns.len()));
    }
    let values = decode(&record, columns, encoding)?;
    let named = columns.iter().cloned().zip(values).filter(|(name, _)| !name.is_empty());
    Ok(Record::Columns(named.collect()))
}

/// Columns of the header that a row is too short for.
fn missing(columns: &[String]) -> String {
    let shown: Vec<String> = columns.iter().take(MISSING_SHOWN).map(|name| format!("{name:?}")).collect();
    match columns.len() {
        0 => String::new(),
        count if count > shown.len() => format!(": {} and {} more are missing", shown.join(", "), count - shown.len()),
        1 => format!(": {} is missing", shown.join("")),
        _ => format!(": {} are missing", shown.join(", ")),
    }
}

/// Where in a record a byte stands, as far as quotes go (RFC 4180).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
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
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Open, b'"') => Self::Closing,
            (Self::Open, _) | (Self::Closing | Self::FieldStart, b'"') => Self::Open,
            (Self::Sloppy, _) => Self::Sloppy,
            (_, byte) if byte == delimiter || matches!(byte, b'\n' | b'\r') => Self::FieldStart,
            (Self::Closing, 0x20..) => Self::Sloppy,
            (Self::Closing | Self::FieldStart | Self::Plain, _) => Self::Plain,
        }
    }
}

/// The fields of one record as bytes.
pub(super) fn parse(text: &[u8], delimiter: u8) -> Result<csv::ByteRecord, String> {
    let mut record = csv::ByteRecord::new();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(512).from_reader(text);
    reader.read_byte_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record)
}

/// The fields as texts; names are for the reason only.
pub(super) fn decode(record: &csv::ByteRecord, columns: &[String], encoding: &'static Encoding) -> Result<Vec<String>, String> {
    let read = |(index, field): (usize, &[u8])| {
        let column = || columns.get(index).map_or(format!("{}", index + 1), |name| format!("{name:?}"));
        let text = encoding.decode_without_bom_handling_and_without_replacement(field);
        text.map(String::from).ok_or_else(|| format!("column {} is not {}", column(), encoding.name()))
    };
    record.iter().enumerate().map(read).collect()
}

/// The delimiter of a file by its first record: the one that makes the known number of columns, or else the most.
pub(super) fn detect_delimiter(first: &[u8], columns: Option<usize>) -> u8 {
    let count = |delimiter: u8| parse(first, delimiter).map_or(1, |record| record.len());
    let fits = |delimiter: &u8| columns.is_some_and(|columns| columns > 1 && count(*delimiter) == columns);
    let candidates = [b',', b'\t', b';', b'|'];
    let found = candidates.into_iter().find(fits);
    // The earlier one of two that make the same number: `max_by_key` takes the last.
    found.or_else(|| candidates.into_iter().rev().max_by_key(|delimiter| count(*delimiter))).unwrap_or(b',')
}
