//! Holding what a store has against what the model has: every difference counted, the first ones kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::sample::Picked;

/// A stored value and the position that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<V> {
    /// The value.
    pub value: V,
    /// Position of the last event that touched it, as the row says.
    pub version: i64,
}

/// A row that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The table in ClickHouse.
    pub table: String,
    /// Which row.
    pub key: String,
    /// What is there, if anything.
    pub found: Option<Found<String>>,
    /// What should be there, if anything.
    pub expected: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, found, expected } = self;
        write!(f, "{table} {key}: ClickHouse has ")?;
        match found {
            Some(Found { value, version }) => write!(f, "{value} (version {version})")?,
            None => write!(f, "no row")?,
        }
        write!(f, ", the model has {}", expected.as_deref().unwrap_or("no row"))
    }
}

/// What was compared at one position.
#[derive(Debug)]
pub struct Comparison {
    /// The position.
    pub position: i64,
    /// Rows that were compared.
    pub compared: u64,
    /// Rows that were not, because an event after the position touched them since.
    pub moved: u64,
    /// Rows that differ.
    pub different: u64,
    /// The first of them.
    pub mismatches: Vec<Mismatch>,
    mismatches_max: usize,
}

impl Comparison {
    /// Nothing yet; keeps so many mismatches at most.
    #[must_use]
    pub fn at(position: i64, mismatches_max: usize) -> Self {
        Self { position, compared: 0, moved: 0, different: 0, mismatches: Vec::new(), mismatches_max }
    }

    /// Compares the rows of a table, those of `picked` keys that did not move on. A row must not be from after the position:
    /// one that is was made by no event, and would win over those that events make.
    pub fn rows<K: Ord + fmt::Display, V: PartialEq>(
        &mut self,
        table: &str,
        found: &BTreeMap<K, Found<V>>,
        expected: &BTreeMap<K, &V>,
        (picked, moved): (&Picked, &BTreeSet<K>),
        text: impl Fn(&V) -> String,
    ) {
        let keys: BTreeSet<&K> = found.keys().chain(expected.keys()).collect();
        for key in keys {
            let name = key.to_string();
            if !picked.has(&name) {
                continue;
            }
            if moved.contains(key) {
                self.moved += 1;
                continue;
            }
            self.compared += 1;
            let (found, expected) = (found.get(key), expected.get(key).copied());
            let is_right = match found {
                Some(found) => Some(&found.value) == expected && found.version <= self.position,
                None => expected.is_none(),
            };
            if is_right {
                continue;
            }
            self.different += 1;
            if self.mismatches.len() < self.mismatches_max {
                let found = found.map(|found| Found { value: text(&found.value), version: found.version });
                self.mismatches.push(Mismatch { table: table.to_owned(), key: name, found, expected: expected.map(&text) });
            }
        }
    }
}
