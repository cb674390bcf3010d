//! A batch in the making: the state with the batch's changes on top, until they are committed together.

use std::{
    collections::BTreeMap,
    ops::Bound::{self, Excluded, Included},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Key, State, Writes};

/// State as the next event of the batch sees it.
pub struct Working<'a> {
    state: &'a dyn State,
    writes: Writes,
}

impl<'a> Working<'a> {
    /// Nothing changed yet.
    #[must_use]
    pub fn new(state: &'a dyn State) -> Self {
        Self { state, writes: Writes::new() }
    }

    /// What is to be committed.
    #[must_use]
    pub fn into_writes(self) -> Writes {
        self.writes
    }

    /// The value of a key.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn read<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, Error> {
        let key = key.bytes();
        let bytes = match self.writes.get(&key) {
            Some(written) => written.clone(),
            None => self.state.get(&key)?,
        };
        bytes.map(|bytes| Ok(postcard::from_bytes(&bytes)?)).transpose()
    }

    /// Sets a key.
    ///
    /// # Errors
    /// The value cannot be encoded.
    pub fn write<T: Serialize>(&mut self, key: Key, value: &T) -> Result<(), Error> {
        self.writes.insert(key.bytes(), Some(postcard::to_stdvec(value)?));
        Ok(())
    }

    /// Removes a key.
    pub fn remove(&mut self, key: Key) {
        self.writes.insert(key.bytes(), None);
    }

    /// Adds to a counter and returns what it is then; one that is 0 takes no room.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn count(&mut self, key: Key, by: i64) -> Result<i64, Error> {
        let count = self.read::<i64>(key.clone())?.unwrap_or(0) + by;
        if count == 0 {
            self.remove(key);
        } else {
            self.write(key, &count)?;
        }
        Ok(count)
    }

    /// Every value under a prefix, in the order of the keys.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn scan<T: DeserializeOwned>(&self, prefix: Key) -> Result<Vec<T>, Error> {
        self.range(prefix.range())
    }

    /// Every value under a prefix that this batch has written, in the order of the keys.
    ///
    /// # Errors
    /// A value cannot be decoded.
    pub fn scan_written<T: DeserializeOwned>(&self, prefix: Key) -> Result<Vec<T>, Error> {
        let written = self.writes.range(prefix.range()).filter_map(|(_, value)| value.as_ref());
        written.map(|bytes| Ok(postcard::from_bytes(bytes)?)).collect()
    }

    /// Every value from a key to before another, in the order of the keys.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn between<T: DeserializeOwned>(&self, from: Key, to: Key) -> Result<Vec<T>, Error> {
        self.range((Included(from.bytes()), Excluded(to.bytes())))
    }

    fn range<T: DeserializeOwned>(&self, (from, to): (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Result<Vec<T>, Error> {
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = self.state.range(from.clone(), to.clone()).collect::<Result<_, _>>()?;
        for (key, value) in self.writes.range((from, to)) {
            match value {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        found.into_values().map(|bytes| Ok(postcard::from_bytes(&bytes)?)).collect()
    }

    /// The first value under a prefix.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn first<T: DeserializeOwned>(&self, prefix: Key) -> Result<Option<T>, Error> {
        self.after(prefix.clone(), prefix)
    }

    /// The value before a key under a prefix.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn before<T: DeserializeOwned>(&self, prefix: Key, key: Key) -> Result<Option<T>, Error> {
        let (from, _) = prefix.range();
        let range = (from, Excluded(key.bytes()));
        let written = self.writes.range(range.clone()).rev().find_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let stored = self.first_untouched(self.state.range(range.0, range.1).rev())?;
        let later = [written, stored].into_iter().flatten().max_by(|a, b| a.0.cmp(&b.0));
        later.map(|(_, bytes)| Ok(postcard::from_bytes(&bytes)?)).transpose()
    }

    /// The value after a key under a prefix.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn after<T: DeserializeOwned>(&self, prefix: Key, key: Key) -> Result<Option<T>, Error> {
        let (_, to) = prefix.range();
        let range = (Excluded(key.bytes()), to);
        let written = self.writes.range(range.clone()).find_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let stored = self.first_untouched(self.state.range(range.0, range.1))?;
        let earlier = [written, stored].into_iter().flatten().min_by(|a, b| a.0.cmp(&b.0));
        earlier.map(|(_, bytes)| Ok(postcard::from_bytes(&bytes)?)).transpose()
    }

    /// The first stored entry that this batch has not written over or removed.
    fn first_untouched(&self, entries: impl Iterator<Item = super::Entry>) -> Result<Option<super::KeyValue>, Error> {
        for entry in entries {
            let (key, value) = entry?;
            if !self.writes.contains_key(&key) {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}
