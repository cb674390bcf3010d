//! A process's local disk: what was committed survives a crash, unless the disk is lost or an older copy comes back.

use std::{
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidemark_projector::{
    Error,
    state::{Entries, Entry, Memory, State, Writes},
};

/// One partition's state on the disk of one process.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Copies>>);

#[derive(Default)]
struct Copies {
    now: Memory,
    /// As it was at an earlier commit.
    older: Option<Memory>,
}

impl Disk {
    fn copies(&self) -> MutexGuard<'_, Copies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a copy, as a snapshot does.
    pub(crate) fn keep(&self) {
        let mut copies = self.copies();
        copies.older = Some(copies.now.clone());
    }

    /// Comes back as it was when a copy was kept; whether there is one.
    pub(crate) fn go_back(&self) -> bool {
        let mut copies = self.copies();
        let Some(older) = copies.older.clone() else { return false };
        copies.now = older;
        true
    }

    /// Is lost.
    pub(crate) fn lose(&self) {
        *self.copies() = Copies::default();
    }
}

impl State for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.copies().now.get(key)
    }

    fn range(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_> {
        let found: Vec<Entry> = self.copies().now.range(from, to).collect();
        Box::new(found.into_iter())
    }

    fn view(&self) -> Entries {
        self.copies().now.view()
    }

    fn commit(&mut self, writes: Writes) -> Result<(), Error> {
        self.copies().now.commit(writes)
    }

    fn clear(&mut self) -> Result<(), Error> {
        self.copies().now.clear()
    }
}
