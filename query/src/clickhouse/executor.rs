//! Runs a statement and hands out its rows as Arrow batches of the schema that the plan promised.

use std::sync::Arc;

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    buffer::Buffer,
    compute::cast,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::reader::StreamDecoder,
};
use bytes::Bytes;
use clickhouse::{Client, query::BytesCursor};
use datafusion::{
    error::{DataFusionError, Result},
    execution::SendableRecordBatchStream,
    physical_plan::stream::RecordBatchStreamAdapter,
};
use futures::stream::try_unfold;

use super::Statement;

/// The rows of a statement; nothing is sent before the first poll.
pub(crate) fn stream(client: &Client, statement: &Statement, schema: &SchemaRef) -> SendableRecordBatchStream {
    let (query, promised) = (statement.query(client), Arc::clone(schema));
    let batches = try_unfold(Some((query, promised)), |start| async move {
        let Some((query, promised)) = start else { return Ok(None) };
        let rows = Rows { cursor: query.fetch_bytes("ArrowStream").map_err(failed)?, batches: Batches::new() };
        Ok::<_, DataFusionError>(Some((try_unfold((rows, promised), next), None)))
    });
    let batches = futures::TryStreamExt::try_flatten(batches);
    Box::pin(RecordBatchStreamAdapter::new(Arc::clone(schema), batches))
}

/// An answer as it arrives.
struct Rows {
    cursor: BytesCursor,
    batches: Batches,
}

async fn next((mut rows, promised): (Rows, SchemaRef)) -> Result<Option<(RecordBatch, (Rows, SchemaRef))>> {
    loop {
        if let Some(batch) = rows.batches.next()? {
            return Ok(Some((as_promised(&batch, &promised)?, (rows, promised))));
        }
        match rows.cursor.next().await.map_err(failed)? {
            Some(chunk) => rows.batches.push(chunk),
            None => {
                rows.batches.finish()?;
                return Ok(None);
            }
        }
    }
}

fn failed(error: clickhouse::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Arrow's stream format, cut anywhere: one chunk may hold many batches, one batch may need many chunks.
pub(crate) struct Batches {
    decoder: StreamDecoder,
    chunk: Buffer,
}

impl Batches {
    pub(crate) fn new() -> Self {
        Self { decoder: StreamDecoder::new(), chunk: Buffer::from(Bytes::new()) }
    }

    /// Takes the next chunk; the one before must be used up.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.chunk = Buffer::from(chunk);
    }

    /// The next whole batch of what was pushed.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        while !self.chunk.is_empty() {
            if let Some(batch) = self.decoder.decode(&mut self.chunk)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// The stream broke off inside a batch.
    pub(crate) fn finish(&mut self) -> Result<(), ArrowError> {
        self.decoder.finish()
    }
}

/// The columns in the promised types: ClickHouse has other integers for conditions and other widths for texts.
fn as_promised(batch: &RecordBatch, promised: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = promised.fields().iter().zip(batch.columns()).map(|(field, column)| {
        if column.data_type() == field.data_type() { Ok(Arc::clone(column)) } else { cast(column, field.data_type()) }
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    if columns.len() != promised.fields().len() {
        let came = batch.num_columns();
        return Err(DataFusionError::Internal(format!("{} columns were asked for, {came} came", promised.fields().len())));
    }
    Ok(RecordBatch::try_new_with_options(Arc::clone(promised), columns, &options)?)
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::Int64Array,
        datatypes::{DataType, Field, Schema},
        ipc::writer::StreamWriter,
    };

    use super::*;

    fn written(batches: usize) -> (SchemaRef, Vec<u8>) {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &schema).unwrap();
        for n in 0..batches {
            let column = Int64Array::from(vec![i64::try_from(n).unwrap()]);
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        (schema, bytes)
    }

    fn read(bytes: &[u8], chunk: usize) -> usize {
        let mut batches = Batches::new();
        let mut rows = 0;
        for part in bytes.chunks(chunk) {
            batches.push(Bytes::copy_from_slice(part));
            while let Some(batch) = batches.next().unwrap() {
                rows += batch.num_rows();
            }
        }
        batches.finish().unwrap();
        rows
    }

    #[test]
    fn a_thousand_batches_in_one_chunk_are_a_thousand_rows() {
        let (_, bytes) = written(1000);
        for chunk in [bytes.len(), 1, 7, 4096] {
            assert_eq!(read(&bytes, chunk), 1000, "chunks of {chunk} bytes");
        }
    }

    #[test]
    fn a_stream_that_breaks_off_is_an_error() {
        let (_, bytes) = written(3);
        let mut batches = Batches::new();
        batches.push(Bytes::copy_from_slice(&bytes[..bytes.len() - 60]));
        while batches.next().unwrap().is_some() {}
        assert!(batches.finish().is_err());
    }
}
