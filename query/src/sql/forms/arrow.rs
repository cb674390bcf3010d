//! Arrow's IPC stream, not compressed, which every reader of it understands.

use std::mem::take;

use arrow::{array::RecordBatch, datatypes::SchemaRef, ipc::writer::StreamWriter};

use super::Writer;
use crate::Error;

/// Its bytes are taken away after every batch.
pub(super) struct Arrow(StreamWriter<Vec<u8>>);

impl Arrow {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, Error> {
        Ok(Self(StreamWriter::try_new(Vec::new(), schema)?))
    }
}

impl Writer for Arrow {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        self.0.write(batch)?;
        Ok(take(self.0.get_mut()))
    }

    fn end(&mut self) -> Result<Vec<u8>, Error> {
        self.0.finish()?;
        Ok(take(self.0.get_mut()))
    }
}
