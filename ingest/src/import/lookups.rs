//! Other files that a mapping looks things up in: whole in memory, indexed by a column on the first question about it.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    path::Path,
};

use jaq_json::{Map, Val};

use super::{mapping::to_val, reading::Reading, rows::Rows};
use crate::Error;

/// The files by name.
#[derive(Default)]
pub(super) struct Lookups {
    tables: BTreeMap<String, Table>,
    /// The first name that was asked for and is not there: no row can do without.
    missing: RefCell<Option<String>>,
}

struct Table {
    /// A list of row objects.
    rows: Val,
    /// Per column, the positions of the rows of each value.
    indexes: RefCell<HashMap<Val, HashMap<Val, Vec<usize>>>>,
}

impl Lookups {
    /// Reads a file whole.
    ///
    /// # Errors
    /// The file cannot be read, or one of its rows is broken: a row that is not found would be worse.
    pub(super) fn add(&mut self, name: &str, path: &Path, reading: &Reading) -> Result<(), Error> {
        let mut rows = Rows::open(path, reading, None)?;
        let mut table = Vec::new();
        while let Some(row) = rows.next()? {
            let broken = |reason| Error::LookupRow { path: path.to_owned(), line: row.line, reason };
            let record = row.record.map_err(|broken_row| broken(broken_row.reason))?;
            table.push(to_val(&record).map_err(broken)?);
        }
        let table = Table { rows: Val::Arr(table.into()), indexes: RefCell::default() };
        self.tables.insert(name.to_owned(), table);
        Ok(())
    }

    /// Names and rows of every file, in the order of the names.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, Val)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table.rows.clone()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }

    /// The rows of a file whose column has this value; the index is built by the first question.
    ///
    /// # Errors
    /// No such file, which [`Lookups::missing`] then tells, or no such column.
    pub(super) fn find(&self, name: &str, column: &Val, value: &Val) -> Result<Vec<Val>, String> {
        let Some(table) = self.tables.get(name) else {
            self.missing.borrow_mut().get_or_insert_with(|| name.to_owned());
            return Err(format!("needs --with {name}=FILE"));
        };
        let Val::Arr(rows) = &table.rows else { return Ok(Vec::new()) };
        let mut indexes = table.indexes.borrow_mut();
        let index = indexes.entry(column.clone()).or_insert_with(|| index(rows, column));
        if index.is_empty() && !rows.is_empty() {
            return Err(format!("{name} has no column {column}"));
        }
        let positions = index.get(value).map(Vec::as_slice).unwrap_or_default();
        Ok(positions.iter().map(|position| rows[*position].clone()).collect())
    }

    pub(super) fn missing(&self) -> Option<String> {
        self.missing.borrow().clone()
    }
}

fn index(rows: &[Val], column: &Val) -> HashMap<Val, Vec<usize>> {
    let mut index: HashMap<Val, Vec<usize>> = HashMap::new();
    for (position, row) in rows.iter().enumerate() {
        if let Some(value) = object(row).and_then(|row| row.get(column)) {
            index.entry(value.clone()).or_default().push(position);
        }
    }
    index
}

fn object(row: &Val) -> Option<&Map> {
    if let Val::Obj(row) = row { Some(row) } else { None }
}
