//! The projector's memory of a partition: an ordered map of bytes that changes only by whole batches.
//! What the keys mean is in `key.rs`; the changes of a batch before its commit are in `working.rs`.

mod key;
mod lsm;
mod memory;
mod working;

use std::ops::Bound;

pub use key::{Key, KeyReader, Space};
pub use lsm::{Lsm, LsmPartition};
pub use memory::Memory;
pub use working::Working;

use crate::Error;

/// Changes of one batch, in no particular order and no key twice: a value, or none for a key that is removed.
pub type Writes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A key and its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// One entry, or why it could not be read.
pub type Entry = Result<KeyValue, Error>;

/// Everything in a state as it was at one moment, in the order of the keys.
pub type Entries = Box<dyn Iterator<Item = Entry> + Send>;

/// A partition's state.
pub trait State: Send {
    /// The value of a key.
    ///
    /// # Errors
    /// The store cannot be read.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The entries between two keys, in order; from both ends.
    fn range(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_>;

    /// Everything as it is now, however it changes while it is read.
    fn view(&self) -> Entries;

    /// Applies a whole batch or nothing of it.
    ///
    /// # Errors
    /// The store cannot be written.
    fn commit(&mut self, writes: Writes) -> Result<(), Error>;

    /// Forgets everything.
    ///
    /// # Errors
    /// The store cannot be written.
    fn clear(&mut self) -> Result<(), Error>;
}
