//! The snapshots of one generation: `LOG/generation-N/partition-N/POSITION-DEFINITIONS-ID/`, in it numbered parts and, last of
//! all, `manifest`. What has no manifest is not there yet, or never will be.

use std::{cmp::Reverse, fmt::Display};

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use uuid::Uuid;

use super::{Manifest, Part, Place, View, parts::next_part, place::generation_name};
use crate::{Error, sink::GenerationId, state::KeyValue};

/// Complete snapshots of a partition that are kept: the newest, and one more in case that cannot be read.
const KEPT: usize = 2;
/// Bytes of a manifest that is read; one of this size would be of a terabyte of state.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;
/// Characters of the definitions' hash in names; the manifest has all of it.
const HASH_CHARS: usize = 12;
const MANIFEST: &str = "manifest";

/// Where the snapshots of a generation are put and looked for.
#[derive(Debug, Clone)]
pub struct Archive {
    place: Place,
    id: GenerationId,
}

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The position after the last that it holds.
    pub next_offset: i64,
    directory: Path,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub manifest: Manifest,
}

impl Found {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.directory.as_ref()
    }

    fn refused(&self, reason: impl Display) -> Error {
        Error::Snapshot { name: self.name().to_owned(), reason: reason.to_string() }
    }
}

impl Archive {
    pub(super) fn new(place: Place, id: GenerationId) -> Self {
        Self { place, id }
    }

    /// The snapshots of a partition of a log with the same definitions, the newest first.
    ///
    /// # Errors
    /// The store did not answer.
    pub async fn find(&self, log_id: &str, partition: i32) -> Result<Vec<Found>, Error> {
        let directory = self.directory(log_id, partition);
        let failed = |error: object_store::Error| Error::Snapshot { name: directory.to_string(), reason: error.to_string() };
        let objects = self.place.store.list(Some(&directory)).map_ok(|object| object.location).try_collect::<Vec<Path>>();
        let manifests = objects.await.map_err(failed)?.into_iter().filter(|path| path.filename() == Some(MANIFEST));
        let mut found: Vec<Found> = manifests.filter_map(|path| self.found(path)).collect();
        found.sort_by_key(|found| Reverse(found.next_offset));
        Ok(found)
    }

    /// What the name of a manifest says, if it is one with our definitions.
    fn found(&self, manifest: Path) -> Option<Found> {
        let directory = manifest.parent()?;
        let (next_offset, rest) = directory.filename()?.split_once('-')?;
        let is_ours = rest.strip_prefix(self.short_hash())?.starts_with('-');
        is_ours.then(|| Some(Found { next_offset: next_offset.parse().ok()?, directory: directory.clone() }))?
    }

    /// What is in a snapshot.
    ///
    /// # Errors
    /// [`Error::Snapshot`]: it is damaged, gone, or not what its name says.
    pub async fn manifest(&self, found: &Found, partition: i32) -> Result<Manifest, Error> {
        let path = found.directory.clone().join(MANIFEST);
        let bytes = self.read(&path, MANIFEST_BYTES_MAX).await.map_err(|reason| found.refused(reason))?;
        let manifest = Manifest::parse(&bytes).map_err(|reason| found.refused(format!("its manifest: {reason}")))?;
        let is_it = manifest.generation == self.id.generation
            && manifest.definitions_hash == self.id.definitions_hash
            && manifest.partition == partition
            && manifest.mark.next_offset == found.next_offset;
        if is_it { Ok(manifest) } else { Err(found.refused("its manifest is of another generation, partition or position")) }
    }

    /// The entries of one part.
    ///
    /// # Errors
    /// [`Error::Snapshot`]: it is damaged or gone.
    pub async fn part(&self, found: &Found, number: usize, part: &Part) -> Result<Vec<KeyValue>, Error> {
        let path = part_path(&found.directory, number);
        let stored = self.read(&path, part.stored_bytes).await.map_err(|reason| found.refused(reason))?;
        let read = tokio::task::block_in_place(|| part.read(&stored));
        read.map_err(|reason| found.refused(format!("part {number}: {reason}")))
    }

    /// Writes a snapshot, makes it visible at last, and removes those that it makes needless; none if there is one already
    /// that is as new.
    ///
    /// # Errors
    /// The state cannot be read; the store did not take it. What was written so far is never read, and removed by a later one.
    pub async fn take(&self, partition: i32, view: View) -> Result<Option<Taken>, Error> {
        let View { mark, mut entries } = view;
        let there = self.find(&mark.log_id, partition).await?;
        if there.first().is_some_and(|newest| newest.next_offset >= mark.next_offset) {
            return Ok(None);
        }
        let name = format!("{:020}-{}-{}", mark.next_offset, self.short_hash(), Uuid::new_v4().simple());
        let directory = self.directory(&mark.log_id, partition).join(name);
        let mut parts = Vec::new();
        while let Some((part, stored)) = tokio::task::block_in_place(|| next_part(&mut entries))? {
            self.write(&part_path(&directory, parts.len()), stored).await?;
            parts.push(part);
        }
        let GenerationId { generation, definitions_hash } = self.id.clone();
        let manifest = Manifest { generation, definitions_hash, partition, mark, parts };
        self.write(&directory.clone().join(MANIFEST), manifest.to_bytes()?).await?;
        self.tidy(&manifest.mark.log_id, partition).await?;
        Ok(Some(Taken { name: directory.to_string(), manifest }))
    }

    /// Removes what is older than the snapshots that are kept, whatever it is: complete, given up, or of fewer definitions.
    async fn tidy(&self, log_id: &str, partition: i32) -> Result<(), Error> {
        let there = self.find(log_id, partition).await?;
        let Some(oldest) = there.get(KEPT - 1) else { return Ok(()) };
        let directory = self.directory(log_id, partition);
        let depth = directory.parts_count();
        let is_older = |path: &Path| {
            let name = path.parts().nth(depth);
            let position = name.and_then(|name| name.as_ref().split('-').next()?.parse::<i64>().ok());
            position.is_some_and(|position| position < oldest.next_offset)
        };
        self.place.remove(is_older, &directory).await.map_err(|error| oldest.refused(error))
    }

    fn directory(&self, log_id: &str, partition: i32) -> Path {
        let of_log = log_id.split('/').fold(self.place.prefix.clone(), Path::join);
        of_log.join(generation_name(self.id.generation)).join(format!("partition-{partition}"))
    }

    fn short_hash(&self) -> &str {
        let hash = &self.id.definitions_hash;
        hash.get(..HASH_CHARS).unwrap_or(hash)
    }

    async fn write(&self, path: &Path, bytes: Vec<u8>) -> Result<(), Error> {
        // Whatever else runs here goes first.
        tokio::task::yield_now().await;
        let put = self.place.store.put(path, bytes.into()).await;
        put.map(drop).map_err(|error| Error::Snapshot { name: path.to_string(), reason: error.to_string() })
    }

    async fn read(&self, path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
        tokio::task::yield_now().await;
        let object = self.place.store.get(path).await.map_err(|error| error.to_string())?;
        if object.meta.size > bytes_max {
            return Err(format!("{path} has {} bytes, at most {bytes_max} were written", object.meta.size));
        }
        Ok(object.bytes().await.map_err(|error| error.to_string())?.into())
    }
}

fn part_path(directory: &Path, number: usize) -> Path {
    directory.clone().join(format!("{number:06}"))
}
