//! Cells: the sums of what facts contribute, kept exactly, so that taking away gives back what was there before.

use std::sync::Arc;

use indexmap::map::Entry;
use serde::{Deserialize, Serialize};
use tidemark_schemas::{
    decimal::Decimal6,
    fact::Scalar,
    kpi::{Catalogue, DIMS_MAX},
};

use super::Contribution;
use crate::{
    Error,
    pipeline::KeyedRows,
    state::{Key, KeyReader, Space, Working},
};

/// Which cell, within a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// Name of the KPI.
    pub kpi: Arc<str>,
    /// Business day, days since 1970-01-01.
    pub day: i32,
    /// The seller; empty for none.
    pub rep_id: Arc<str>,
    /// Values of the dimensions; empty for none.
    pub dims: [Arc<str>; DIMS_MAX],
    /// Currency of money; empty otherwise.
    pub currency: Arc<str>,
}

/// Which value of which multiset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueKey {
    /// The cell.
    pub cell: CellKey,
    /// The slot of the KPI.
    pub slot: u8,
    /// The value, text or decimal.
    pub value: Scalar,
}

/// The content of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How many facts are in it.
    pub facts: i64,
    /// The additive slots, millionths.
    pub sums: Vec<i128>,
}

/// A cell as written: its content after the batch, also when that is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRow {
    /// The content; no facts: the row is deleted.
    pub cell: Cell,
    /// Position of the last event that touched it.
    pub version: i64,
}

/// A value of a multiset as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRow {
    /// How many facts have it; none: the row is deleted.
    pub facts: i64,
    /// Position of the last event that touched it.
    pub version: i64,
}

impl CellKey {
    fn key(&self, space: Space, tenant: &str) -> Key {
        let key = Key::new(space, tenant).text(&self.kpi).int(i64::from(self.day)).text(&self.rep_id);
        self.dims.iter().fold(key, |key, dim| key.text(dim)).text(&self.currency)
    }
}

impl CellKey {
    /// Takes the key of a stored cell apart.
    ///
    /// # Errors
    /// No key of ours.
    pub fn parse(key: &[u8]) -> Result<Self, Error> {
        Self::read(&mut KeyReader::after_tenant(key)?)
    }

    fn read(reader: &mut KeyReader<'_>) -> Result<Self, Error> {
        let (kpi, day, rep_id) = (reader.text()?.into(), reader.int()?, reader.text()?.into());
        let mut dims: [Arc<str>; DIMS_MAX] = Default::default();
        for dim in &mut dims {
            *dim = reader.text()?.into();
        }
        let day = i32::try_from(day).map_err(|error| Error::State(error.to_string()))?;
        Ok(Self { kpi, day, rep_id, dims, currency: reader.text()?.into() })
    }
}

impl ValueKey {
    /// Takes the key of a stored value apart; whether it is a text or a number, the KPI knows.
    ///
    /// # Errors
    /// No key of ours.
    pub fn parse(key: &[u8], catalogue: &Catalogue) -> Result<Self, Error> {
        let mut reader = KeyReader::after_tenant(key)?;
        let (cell, slot) = (CellKey::read(&mut reader)?, reader.byte()?);
        let is_text =
            catalogue.get(&cell.kpi).and_then(|kpi| kpi.slots.get(usize::from(slot))).is_some_and(|slot| slot.kind.is_text());
        let value = if is_text { Scalar::from(reader.text()?.as_str()) } else { Scalar::Decimal(Decimal6(reader.big_int()?)) };
        Ok(Self { cell, slot, value })
    }

    fn key(&self, tenant: &str) -> Key {
        let key = self.cell.key(Space::Value, tenant).byte(self.slot);
        match &self.value {
            Scalar::Decimal(value) => key.big_int(value.0),
            other => key.text(other.as_text().unwrap_or_default()),
        }
    }
}

/// A cell as it is in the state.
///
/// # Errors
/// The state cannot be read.
pub fn stored(working: &Working<'_>, tenant: &str, key: &CellKey) -> Result<Cell, Error> {
    Ok(working.read(key.key(Space::Cell, tenant))?.unwrap_or_default())
}

/// Adds one fact's contribution to the rows of its cell and multisets, which begin with what the state has of them.
///
/// # Errors
/// The state cannot be read; a sum leaves its range.
pub fn apply(
    working: &Working<'_>,
    tenant: &str,
    contribution: Contribution,
    cells: &mut KeyedRows<CellKey, CellRow>,
    values: &mut KeyedRows<ValueKey, ValueRow>,
) -> Result<(), Error> {
    let Contribution { position: version, cell: key, sign, sums, values: multiset } = contribution;
    for (slot, value) in multiset {
        let row = match values.entry(ValueKey { cell: key.clone(), slot, value }) {
            Entry::Occupied(row) => row.into_mut(),
            Entry::Vacant(row) => {
                let facts = working.read(row.key().key(tenant))?.unwrap_or(0);
                row.insert(ValueRow { facts, version })
            }
        };
        row.facts += sign;
        row.version = version;
    }
    let add = |row: &mut CellRow| {
        row.version = version;
        row.cell.facts += sign;
        row.cell.sums.resize(sums.len(), 0);
        row.cell.sums.iter_mut().zip(&sums).try_for_each(|(sum, amount)| {
            *sum = sum.checked_add(amount.checked_mul(i128::from(sign))?)?;
            Some(())
        })
    };
    let out_of_range = |kpi: &str| Error::Internal(format!("a sum of KPI {kpi} left the range of 38 digits"));
    match cells.entry(key) {
        Entry::Occupied(mut row) => add(row.get_mut()).ok_or_else(|| out_of_range(&row.key().kpi)),
        Entry::Vacant(vacant) => {
            let mut row = CellRow { cell: stored(working, tenant, vacant.key())?, version };
            add(&mut row).ok_or_else(|| out_of_range(&vacant.key().kpi))?;
            vacant.insert(row);
            Ok(())
        }
    }
}

/// Puts rows that [`apply`] made into the state.
///
/// # Errors
/// A cell cannot be encoded.
pub fn store(
    working: &mut Working<'_>,
    tenant: &str,
    cells: &KeyedRows<CellKey, CellRow>,
    values: &KeyedRows<ValueKey, ValueRow>,
) -> Result<(), Error> {
    for (key, row) in cells {
        match row.cell.facts {
            0 => working.remove(key.key(Space::Cell, tenant)),
            _ => working.write(key.key(Space::Cell, tenant), &row.cell)?,
        }
    }
    for (key, row) in values {
        match row.facts {
            0 => working.remove(key.key(tenant)),
            _ => working.write(key.key(tenant), &row.facts)?,
        }
    }
    Ok(())
}
