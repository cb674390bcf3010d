//! What all these forms have in common: batches in, bytes out, with no more held back than a form needs.

use ::arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;

use super::{arrow::Arrow, csv::Csv, ndjson::NdJson, parquet::Parquet};
use crate::{Error, sql::body::Chunks};

/// A form that is never held in memory whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A JSON object for each row, each on its line.
    NdJson,
    /// With a header line.
    Csv,
    /// Arrow's IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Form {
    /// Its `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    fn writer(self, schema: &SchemaRef) -> Result<Box<dyn Writer>, Error> {
        Ok(match self {
            Self::NdJson => Box::new(NdJson::new(schema)?),
            Self::Csv => Box::new(Csv::new(schema)),
            Self::Arrow => Box::new(Arrow::new(schema)?),
            Self::Parquet => Box::new(Parquet::new(schema)?),
        })
    }
}

/// One answer on its way into bytes.
pub(in crate::sql) trait Writer: Send {
    /// Takes the next rows and gives what is ready, which may be nothing yet.
    ///
    /// # Errors
    /// A type that the form cannot hold.
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error>;

    /// What is left when there are no more rows.
    ///
    /// # Errors
    /// A type that the form cannot hold.
    fn end(&mut self) -> Result<Vec<u8>, Error>;
}

/// Writes rows as they are asked for: the next batch is not made before there is room for the bytes of the one before.
///
/// # Errors
/// What making the rows says; a type that the form cannot hold; nobody reads any more.
pub(crate) async fn write(mut rows: SendableRecordBatchStream, form: Form, chunks: Chunks) -> Result<(), Error> {
    let mut writer = form.writer(&rows.schema())?;
    while let Some(batch) = rows.try_next().await? {
        chunks.give(writer.rows(&batch)?).await?;
    }
    chunks.give(writer.end()?).await
}
