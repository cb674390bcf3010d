//! Parquet: a row group is held until it is complete, then its bytes go.

use std::mem::take;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parquet::{arrow::ArrowWriter, basic::Compression, errors::ParquetError, file::properties::WriterProperties};

use super::Writer;
use crate::Error;

/// Large enough that readers skip well, small enough for all answers that may be worked on at the same time.
const ROW_GROUP_BYTES_MAX: usize = 16 << 20;

/// Its bytes are taken away after every row group.
pub(super) struct Parquet(ArrowWriter<Vec<u8>>);

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, Error> {
        // What every reader of Parquet can unpack.
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = properties.set_max_row_group_bytes(Some(ROW_GROUP_BYTES_MAX)).build();
        Ok(Self(ArrowWriter::try_new(Vec::new(), SchemaRef::clone(schema), Some(properties)).map_err(impossible)?))
    }
}

impl Writer for Parquet {
    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, Error> {
        self.0.write(batch).map_err(impossible)?;
        Ok(take(self.0.inner_mut()))
    }

    fn end(&mut self) -> Result<Vec<u8>, Error> {
        self.0.finish().map_err(impossible)?;
        Ok(take(self.0.inner_mut()))
    }
}

/// Nothing else goes wrong where bytes are written into memory.
fn impossible(error: ParquetError) -> Error {
    Error::Body(format!(
        "this answer is impossible as Parquet: {error}. CAST the column to another type, or ask for another form"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn no_more_is_held_than_a_row_group() {
        // Numbers that no compression makes smaller.
        let number = |n: i64| n.wrapping_mul(0x5DEE_CE66_D715_A2F3).rotate_left(31).wrapping_mul(0x2545_F491_4F6C_DD1D);
        let batch = |from: i64| {
            let column = |seed: i64| -> ArrayRef {
                Arc::new((from..from + 8_192).map(|n| number(n ^ (seed << 40))).collect::<Int64Array>())
            };
            RecordBatch::try_from_iter([("a", column(1)), ("b", column(2)), ("c", column(3)), ("d", column(4))]).unwrap()
        };
        let mut writer = Parquet::new(&batch(0).schema()).unwrap();
        let (mut longest, mut total, mut pieces) = (0, 0, 0);
        for from in (0..1_500_000).step_by(8_192) {
            let bytes = writer.rows(&batch(from)).unwrap().len();
            (longest, total, pieces) = (longest.max(bytes), total + bytes, pieces + usize::from(bytes > 0));
        }
        let end = writer.end().unwrap().len();
        assert!(total + end > 1_500_000 * 4 * 8, "{total}");
        assert!(
            pieces >= 2 && longest.max(end) < ROW_GROUP_BYTES_MAX * 3 / 2,
            "{pieces} pieces, the longest of {longest}, {end}"
        );
    }
}
