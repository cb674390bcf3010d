//! A batch in the making: the state with the batch's changes on top, until they are committed together.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, hash_map::Entry},
    ops::Bound::{self, Excluded, Included},
};

use foldhash::fast::RandomState;
use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Key, State, Writes, key::Space};

/// State as the next event of the batch sees it.
pub struct Working<'a> {
    state: &'a dyn State,
    /// Of the spaces that are asked by whole keys only: what was read or changed, so that nothing is read twice.
    points: RefCell<HashMap<Vec<u8>, Point, RandomState>>,
    /// Of the others: what was changed.
    ordered: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Where values are encoded before they take as much room as they need.
    encoded: Vec<u8>,
}

/// What a key holds now.
struct Point {
    value: Option<Vec<u8>>,
    is_changed: bool,
}

impl<'a> Working<'a> {
    /// Nothing changed yet.
    #[must_use]
    pub fn new(state: &'a dyn State) -> Self {
        Self { state, points: RefCell::default(), ordered: BTreeMap::new(), encoded: Vec::new() }
    }

    /// What is to be committed.
    #[must_use]
    pub fn into_writes(self) -> Writes {
        let points = self.points.into_inner().into_iter().filter(|(_, point)| point.is_changed);
        points.map(|(key, point)| (key, point.value)).chain(self.ordered).collect()
    }

    /// The value of a key, or of its type's beginning where more was written.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn read<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, Error> {
        let key = key.bytes();
        if is_ordered(&key) {
            return match self.ordered.get(&key) {
                Some(written) => decode(written.as_deref()),
                None => decode(self.state.get(&key)?.as_deref()),
            };
        }
        let mut points = self.points.borrow_mut();
        let point = match points.entry(key) {
            Entry::Occupied(point) => point.into_mut(),
            Entry::Vacant(unread) => {
                let value = self.state.get(unread.key())?;
                unread.insert(Point { value, is_changed: false })
            }
        };
        decode(point.value.as_deref())
    }

    /// Sets a key.
    ///
    /// # Errors
    /// The value cannot be encoded.
    pub fn write<T: Serialize>(&mut self, key: Key, value: &T) -> Result<(), Error> {
        self.encoded.clear();
        self.encoded = postcard::to_extend(value, std::mem::take(&mut self.encoded))?;
        let value = self.encoded.as_slice().to_vec();
        self.set(key, Some(value));
        Ok(())
    }

    /// Removes a key.
    pub fn remove(&mut self, key: Key) {
        self.set(key, None);
    }

    fn set(&mut self, key: Key, value: Option<Vec<u8>>) {
        let key = key.bytes();
        if is_ordered(&key) {
            self.ordered.insert(key, value);
        } else {
            self.points.get_mut().insert(key, Point { value, is_changed: true });
        }
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

    /// Every value under a prefix of an ordered space, in the order of the keys.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn scan<T: DeserializeOwned>(&self, prefix: Key) -> Result<Vec<T>, Error> {
        self.range(prefix.range())
    }

    /// Every value from a key of an ordered space to before another, in the order of the keys.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn between<T: DeserializeOwned>(&self, from: Key, to: Key) -> Result<Vec<T>, Error> {
        self.range((Included(from.bytes()), Excluded(to.bytes())))
    }

    fn range<T: DeserializeOwned>(&self, (from, to): (Bound<Vec<u8>>, Bound<Vec<u8>>)) -> Result<Vec<T>, Error> {
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = self.state.range(from.clone(), to.clone()).collect::<Result<_, _>>()?;
        for (key, value) in self.ordered.range((from, to)) {
            match value {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        found.into_values().map(|bytes| Ok(postcard::from_bytes(&bytes)?)).collect()
    }

    /// The first value under a prefix of an ordered space.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn first<T: DeserializeOwned>(&self, prefix: Key) -> Result<Option<T>, Error> {
        self.after(prefix.clone(), prefix)
    }

    /// The value before a key under a prefix of an ordered space.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn before<T: DeserializeOwned>(&self, prefix: Key, key: Key) -> Result<Option<T>, Error> {
        let (from, _) = prefix.range();
        let range = (from, Excluded(key.bytes()));
        let written = self.ordered.range(range.clone()).rev().find_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let stored = self.first_untouched(self.state.range(range.0, range.1).rev())?;
        let later = [written, stored].into_iter().flatten().max_by(|a, b| a.0.cmp(&b.0));
        decode(later.as_ref().map(|(_, bytes)| bytes.as_slice()))
    }

    /// The value after a key under a prefix of an ordered space.
    ///
    /// # Errors
    /// The state cannot be read.
    pub fn after<T: DeserializeOwned>(&self, prefix: Key, key: Key) -> Result<Option<T>, Error> {
        let (_, to) = prefix.range();
        let range = (Excluded(key.bytes()), to);
        let written = self.ordered.range(range.clone()).find_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let stored = self.first_untouched(self.state.range(range.0, range.1))?;
        let earlier = [written, stored].into_iter().flatten().min_by(|a, b| a.0.cmp(&b.0));
        decode(earlier.as_ref().map(|(_, bytes)| bytes.as_slice()))
    }

    /// The first stored entry that this batch has not written over or removed.
    fn first_untouched(&self, entries: impl Iterator<Item = super::Entry>) -> Result<Option<super::KeyValue>, Error> {
        for entry in entries {
            let (key, value) = entry?;
            if !self.ordered.contains_key(&key) {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}

fn is_ordered(key: &[u8]) -> bool {
    key.first().is_some_and(|space| Space::is_ordered(*space))
}

fn decode<T: DeserializeOwned>(bytes: Option<&[u8]>) -> Result<Option<T>, Error> {
    bytes.map(|bytes| Ok(postcard::from_bytes(bytes)?)).transpose()
}
