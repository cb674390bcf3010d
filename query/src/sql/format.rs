//! An answer's form, by `Accept`: JSON, CSV or an Arrow stream.

use arrow::{csv, error::ArrowError, ipc::writer::StreamWriter};
use serde_json::{Map, Value, json};

use super::{Rows, columns};
use crate::{Error, trust::Trust};

/// What the caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `{columns, rows, trust}`.
    Json,
    /// With a header line.
    Csv,
    /// Arrow's IPC stream.
    Arrow,
}

impl Format {
    /// Every form there is.
    pub(crate) const NAMES: &str = "application/json, text/csv, application/vnd.apache.arrow.stream";

    /// The first of `Accept` that there is; JSON for callers who do not mind.
    pub(crate) fn accepted(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept else { return Some(Self::Json) };
        accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            "text/csv" | "text/*" => Some(Self::Csv),
            "application/vnd.apache.arrow.stream" => Some(Self::Arrow),
            _ => None,
        })
    }

    /// Its `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The answer's body.
    ///
    /// # Errors
    /// For JSON two columns of one name; a type that the form cannot hold.
    pub(crate) fn body(self, rows: &Rows, trust: &Trust) -> Result<Vec<u8>, Error> {
        match self {
            Self::Json => json_body(rows, trust),
            Self::Csv => Ok(csv_body(rows)?),
            Self::Arrow => Ok(arrow_body(rows)?),
        }
    }
}

fn json_body(rows: &Rows, trust: &Trust) -> Result<Vec<u8>, Error> {
    let fields = rows.schema.fields();
    for (index, field) in fields.iter().enumerate() {
        if fields.iter().take(index).any(|earlier| earlier.name() == field.name()) {
            return Err(Error::Body(format!("two columns are named {:?}: give one another name with AS", field.name())));
        }
    }
    let columns: Vec<Value> = fields.iter().map(|f| json!({ "name": f.name(), "type": f.data_type().to_string() })).collect();
    let mut lines = Vec::new();
    for batch in &rows.batches {
        let mut objects = vec![Map::new(); batch.num_rows()];
        for (field, column) in fields.iter().zip(batch.columns()) {
            for (object, value) in objects.iter_mut().zip(columns::json(column)?) {
                object.insert(field.name().clone(), value);
            }
        }
        lines.extend(objects.into_iter().map(Value::Object));
    }
    let answer = json!({ "columns": columns, "rows": lines, "trust": trust });
    serde_json::to_vec(&answer).map_err(|error| Error::Unexpected(error.to_string()))
}

fn csv_body(rows: &Rows) -> Result<Vec<u8>, ArrowError> {
    let mut body = Vec::new();
    let mut writer = csv::Writer::new(&mut body);
    if rows.batches.is_empty() {
        writer.write(&arrow::array::RecordBatch::new_empty(rows.schema.clone()))?;
    }
    for batch in &rows.batches {
        writer.write(batch)?;
    }
    drop(writer);
    Ok(body)
}

fn arrow_body(rows: &Rows) -> Result<Vec<u8>, ArrowError> {
    let mut body = Vec::new();
    let mut writer = StreamWriter::try_new(&mut body, &rows.schema)?;
    for batch in &rows.batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    drop(writer);
    Ok(body)
}
