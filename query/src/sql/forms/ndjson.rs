//! NDJSON: an object for each row, with the values that a JSON answer has.

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use serde_json::Value;

use super::Writer;
use crate::{
    Error,
    sql::columns::{json, unique_names},
};

/// Rows that are held as values at the same time: a batch of ClickHouse's may have many more.
const ROWS_AT_ONCE: usize = 8_192;

pub(super) struct NdJson {
    /// Each as `"name":`.
    names: Vec<Vec<u8>>,
}

impl NdJson {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, Error> {
        unique_names(schema)?;
        let name = |name: &str| [Value::from(name).to_string().as_bytes(), b":"].concat();
        Ok(Self { names: schema.fields().iter().map(|field| name(field.name())).collect() })
    }

    fn object(&self, columns: &[Vec<Value>], row: usize, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.push(b'{');
        for (index, (name, column)) in self.names.iter().zip(columns).enumerate() {
            if index > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(name);
            let written = serde_json::to_writer(&mut *bytes, &column[row]);
            written.map_err(|error| Error::Unexpected(error.to_string()))?;
        }
        bytes.extend_from_slice(b"}\n");
        Ok(())
    }
}

impl Writer for NdJson {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        for from in (0..batch.num_rows()).step_by(ROWS_AT_ONCE) {
            let some = batch.slice(from, ROWS_AT_ONCE.min(batch.num_rows() - from));
            let columns = some.columns().iter().map(json).collect::<Result<Vec<_>, _>>()?;
            for row in 0..some.num_rows() {
                self.object(&columns, row, &mut bytes)?;
            }
        }
        Ok(bytes)
    }

    fn end(&mut self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }
}
