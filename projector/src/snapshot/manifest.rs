//! The manifest of a snapshot: what it is of and what belongs to it. Written last and whole, it is what makes a snapshot one.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Part;
use crate::pipeline::Mark;

/// What is in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// As it is stored: a line with the hash of what follows.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x}\n{json}\n", xxh3_64(json.as_bytes())).into_bytes()
    }

    /// Reads what [`Manifest::to_bytes`] wrote.
    ///
    /// # Errors
    /// In words: it is not whole, or another program wrote it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (hash, json) = text.trim_end().split_once('\n').ok_or("it is not whole")?;
        if hash != format!("{:016x}", xxh3_64(json.as_bytes())) {
            return Err("it is not what was written".to_owned());
        }
        serde_json::from_str(json).map_err(|error| error.to_string())
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

    use super::*;
    use crate::pipeline::{Table, Written};

    #[test]
    fn a_manifest_comes_back_and_a_changed_one_does_not() {
        let written = BTreeMap::from([(Table::Events, Written { from: 3, version: 9, rows: 7 })]);
        let mark = Mark { next_offset: 10, known_at: 5, record_hash: u64::MAX, log_id: "c/1".to_owned(), written };
        let part = Part { entries: 1, stored_bytes: 2, bytes: 3, hash: u64::MAX - 1 };
        let manifest = Manifest { generation: 1, definitions_hash: "d".to_owned(), partition: 2, mark, parts: vec![part] };
        let bytes = manifest.to_bytes();
        assert_eq!(Manifest::parse(&bytes), Ok(manifest));
        for index in 0..bytes.len() - 1 {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert!(Manifest::parse(&changed).is_err(), "byte {index}");
            assert!(Manifest::parse(&bytes[..index]).is_err(), "{index} bytes");
        }
    }
}
