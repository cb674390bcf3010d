//! Which columns the rows had, and which a mapping read that none of them has: a misspelled one would silently be null.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jaq_json::{Map, Rc, Val};

/// Most columns that are kept; lines of NDJSON may each have their own.
const COLUMNS_MAX: usize = 10_000;
/// Names nearer than this are taken for one another, from 0 (nothing in common) to 1.
const NEAR: f64 = 0.8;

/// A column that the mapping read and that no row had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownColumn {
    /// As the mapping says it.
    pub name: String,
    /// The column that is meant, maybe.
    pub near: Option<String>,
}

/// What is known of the columns so far, for the mapping and for those who wait for its end.
#[derive(Clone, Default)]
pub(super) struct Columns(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// The row at hand: what is read of any other value is no column.
    row: Option<Rc<Map>>,
    of_rows: BTreeSet<String>,
    missed: BTreeSet<String>,
}

impl Columns {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mapping gets this row.
    pub(super) fn begin(&self, row: &Val) {
        let mut seen = self.seen();
        seen.row = if let Val::Obj(row) = row { Some(row.clone()) } else { None };
        for name in seen.row.clone().iter().flat_map(|row| row.keys()).filter_map(name_of) {
            if seen.of_rows.len() < COLUMNS_MAX {
                seen.has(name);
            }
        }
    }

    /// The mapping reads something of a value.
    pub(super) fn read(&self, value: &Val, key: &Val) {
        let (Val::Obj(value), Some(name)) = (value, name_of(key)) else { return };
        let mut seen = self.seen();
        if !seen.row.as_ref().is_some_and(|row| Rc::ptr_eq(row, value)) {
            return;
        }
        if value.contains_key(key) {
            seen.has(name);
        } else if !seen.missed.contains(name) {
            seen.missed.insert(name.to_owned());
        }
    }

    /// What the mapping read and no row had.
    pub(super) fn unknown(&self) -> Vec<UnknownColumn> {
        let seen = self.seen();
        let unknown = seen.missed.difference(&seen.of_rows);
        unknown.map(|name| UnknownColumn { name: name.clone(), near: nearest(name, &seen.of_rows) }).collect()
    }
}

impl Seen {
    fn has(&mut self, name: &str) {
        if !self.of_rows.contains(name) {
            self.of_rows.insert(name.to_owned());
        }
    }
}

fn name_of(key: &Val) -> Option<&str> {
    if let Val::TStr(name) = key { std::str::from_utf8(name).ok() } else { None }
}

fn nearest(name: &str, columns: &BTreeSet<String>) -> Option<String> {
    let plain = |name: &str| name.trim().to_lowercase();
    let nearness = |column: &str| strsim::jaro_winkler(&plain(name), &plain(column));
    let nearest = columns.iter().max_by(|a, b| nearness(a).total_cmp(&nearness(b)))?;
    (nearness(nearest) >= NEAR).then(|| nearest.clone())
}

impl fmt::Display for UnknownColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mapping reads `{}`, which no row has", as_jq(&self.name))?;
        match &self.near {
            Some(near) => write!(f, "; did you mean `{}`?", as_jq(near)),
            None => Ok(()),
        }
    }
}

/// As a mapping reads it: `.Customer`, `."Customer name"`.
fn as_jq(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_plain { format!(".{name}") } else { format!(".{}", serde_json::Value::from(name)) }
}
