//! The twin in memory, for tests and the simulator.

use std::{collections::BTreeMap, ops::Bound};

use super::{Entries, Entry, Error, State, Writes};

/// State that lives as long as the value.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl State for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.entries.get(key).cloned())
    }

    fn range(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_> {
        Box::new(self.entries.range((from, to)).map(|(key, value)| Ok((key.clone(), value.clone()))))
    }

    fn view(&self) -> Entries {
        Box::new(self.entries.clone().into_iter().map(Ok))
    }

    fn commit(&mut self, writes: Writes) -> Result<(), Error> {
        for (key, value) in writes {
            match value {
                Some(value) => self.entries.insert(key, value),
                None => self.entries.remove(&key),
            };
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.entries.clear();
        Ok(())
    }
}
