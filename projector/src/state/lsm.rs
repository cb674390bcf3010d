//! The state on disk: one LSM database per process, one keyspace per partition.

use std::{ops::Bound, path::Path};

use fjall::{Database, Guard, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::{Entries, Entry, Error, State, Writes};

/// Write buffer of one partition, bytes; fjall's default of 64 MiB times the partitions is too much for a laptop.
const MEMTABLE_BYTES: u64 = 16 << 20;
/// Changes from which a commit is written as tables at once: sorting them costs half of what memtable, journal and flush do.
const INGESTED_FROM: usize = 10_000;
/// All journals together, bytes.
const JOURNAL_BYTES: u64 = 256 << 20;

/// The database of a projector process.
#[derive(Clone)]
pub struct Lsm {
    database: Database,
}

impl Lsm {
    /// Opens or creates it.
    ///
    /// # Errors
    /// The directory cannot be used, or another process uses it.
    pub fn open(directory: &Path, cache_bytes: u64) -> Result<Self, Error> {
        let unusable = |error: &dyn std::fmt::Display| Error::State(format!("{} cannot be opened: {error}", directory.display()));
        std::fs::create_dir_all(directory).map_err(|error| unusable(&error))?;
        let builder = Database::builder(directory).cache_size(cache_bytes).max_journaling_size(JOURNAL_BYTES);
        let database = builder.open().map_err(|error| match error {
            fjall::Error::Io(reason) if reason.kind() == std::io::ErrorKind::StorageFull => {
                Error::StateUnwritable(reason.to_string())
            }
            fjall::Error::Locked => Error::StateInUse(directory.to_owned()),
            broken @ (fjall::Error::InvalidVersion(None) | fjall::Error::Unrecoverable) => {
                unusable(&format!("{broken}. Delete it and start again: it is made anew from the log"))
            }
            other => unusable(&other),
        });
        Ok(Self { database: database? })
    }

    /// The state of one partition.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn partition(&self, partition: i32) -> Result<LsmPartition, Error> {
        let keyspace = keyspace(&self.database, &format!("partition-{partition}"))?;
        Ok(LsmPartition { database: self.database.clone(), keyspace })
    }
}

fn keyspace(database: &Database, name: &str) -> Result<Keyspace, fjall::Error> {
    database.keyspace(name, || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES))
}

/// One partition's keyspace.
pub struct LsmPartition {
    database: Database,
    keyspace: Keyspace,
}

impl LsmPartition {
    /// Also as one: the tables count together or, after a crash, not at all.
    fn ingest(&self, mut writes: Writes) -> Result<(), Error> {
        writes.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut ingestion = self.keyspace.start_ingestion()?;
        for (key, value) in writes {
            match value {
                Some(value) => ingestion.write(key, value)?,
                None => ingestion.write_tombstone(key)?,
            }
        }
        Ok(ingestion.finish()?)
    }
}

impl State for LsmPartition {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.keyspace.get(key)?.map(|value| value.to_vec()))
    }

    fn range(&self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Box<dyn DoubleEndedIterator<Item = Entry> + '_> {
        Box::new(self.keyspace.range((from, to)).map(entry))
    }

    fn view(&self) -> Entries {
        Box::new(self.keyspace.iter().map(entry))
    }

    fn commit(&mut self, writes: Writes) -> Result<(), Error> {
        if writes.len() >= INGESTED_FROM {
            return self.ingest(writes);
        }
        // To the operating system, not to the disk: what a power cut takes away is replayed from the log.
        let mut batch = self.database.batch().durability(Some(PersistMode::Buffer));
        for (key, value) in writes {
            match value {
                Some(value) => batch.insert(&self.keyspace, key, value),
                None => batch.remove(&self.keyspace, key),
            }
        }
        Ok(batch.commit()?)
    }

    /// By another keyspace of the same name. `Keyspace::clear` stands in the journal, and when that is read again after a crash
    /// it takes with it the tables that were ingested since.
    fn clear(&mut self) -> Result<(), Error> {
        let name = self.keyspace.name().to_string();
        self.database.delete_keyspace(self.keyspace.clone())?;
        self.keyspace = keyspace(&self.database, &name)?;
        Ok(())
    }
}

fn entry(guard: Guard) -> Entry {
    let (key, value) = guard.into_inner()?;
    Ok((key.to_vec(), value.to_vec()))
}
