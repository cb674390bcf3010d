//! CSV: one header line, then a line for each row.

use arrow::{array::RecordBatch, csv::WriterBuilder, datatypes::SchemaRef};

use super::Writer;
use crate::Error;

pub(super) struct Csv {
    schema: SchemaRef,
    has_header: bool,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { schema: SchemaRef::clone(schema), has_header: false }
    }
}

impl Writer for Csv {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        WriterBuilder::new().with_header(!self.has_header).build(&mut bytes).write(batch)?;
        self.has_header = true;
        Ok(bytes)
    }

    /// An answer without rows has its header all the same.
    fn end(&mut self) -> Result<Vec<u8>, Error> {
        if self.has_header { Ok(Vec::new()) } else { self.rows(&RecordBatch::new_empty(SchemaRef::clone(&self.schema))) }
    }
}
