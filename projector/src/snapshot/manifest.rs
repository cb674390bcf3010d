//! The manifest of a snapshot: what it is of and what belongs to it. Written last and whole, it is what makes a snapshot one.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Part;
use crate::{Error, pipeline::Mark};

/// What every manifest begins with; another number where a manifest or a part is written in another way.
const MAGIC: &[u8] = b"tidemark snapshot 1\n";

/// What is in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The generation whose numbers go with the state.
    pub generation: u32,
    /// Hash of its definitions: KPI files, tenants' settings, versions of folds and DataFusion.
    pub definitions_hash: String,
    /// The partition.
    pub partition: i32,
    /// How far the state is, and of which log.
    pub mark: Mark,
    /// The parts, in order.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// As it is stored: what it is, the hash of what follows, and that.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let content = postcard::to_stdvec(self)?;
        Ok([MAGIC, &xxh3_64(&content).to_le_bytes(), &content].concat())
    }

    /// Reads what [`Manifest::to_bytes`] wrote.
    ///
    /// # Errors
    /// In words: it is not whole, or another program wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(MAGIC).ok_or("another program wrote it")?;
        let (hash, content) = rest.split_first_chunk().ok_or("it is not whole")?;
        if u64::from_le_bytes(*hash) != xxh3_64(content) {
            return Err("it is not what was written".to_owned());
        }
        postcard::from_bytes(content).map_err(|error| error.to_string())
    }

    /// Entries in all parts.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.parts.iter().map(|part| part.entries).sum()
    }

    /// Bytes of all parts as stored.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.stored_bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tidemark_schemas::table::FactTable;

    use super::*;
    use crate::pipeline::{Table, Written};

    #[test]
    fn a_manifest_comes_back_and_a_changed_one_does_not() {
        let written = BTreeMap::from([(Table::Facts(FactTable::Visits), Written { from: 3, version: 9, rows: 7 })]);
        let mark = Mark { next_offset: 10, known_at: 5, record_hash: u64::MAX, log_id: "c/1".to_owned(), step: 3, written };
        let part = Part { entries: 1, stored_bytes: 2, bytes: 3, hash: u64::MAX - 1 };
        let manifest = Manifest { generation: 1, definitions_hash: "d".to_owned(), partition: 2, mark, parts: vec![part] };
        let bytes = manifest.to_bytes().unwrap();
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(Manifest::parse(&changed).is_err(), "byte {index}");
            assert!(Manifest::parse(&bytes[..index]).is_err(), "{index} bytes");
        }
    }
}
