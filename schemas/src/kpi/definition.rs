//! One KPI file: its fields, and everything that makes a file invalid.

use std::collections::BTreeMap;

use datafusion::{
    common::DFSchema,
    logical_expr::Expr,
    prelude::{SessionConfig, SessionContext},
};
use serde::{Deserialize, Serialize};

use super::{
    ADDITIVE_SLOTS_MAX, Arithmetic, DIMS_MAX, Slot,
    slots::{self, check_expression},
};
use crate::table::{ColumnType, FactTable};

/// A KPI, read and planned.
#[derive(Debug, Clone)]
pub struct KpiDefinition {
    /// The file's name without `.toml`.
    pub name: String,
    /// What people call it.
    pub title: Title,
    /// One sentence.
    pub about: String,
    /// What the value counts.
    pub unit: Unit,
    /// Which way is good.
    pub better: Better,
    /// The facts it is measured on.
    pub from: FactTable,
    /// Which of them, as written.
    pub filter_sql: Option<String>,
    /// Which of them.
    pub filter: Option<Expr>,
    /// The date that puts a fact in a cell.
    pub day: String,
    /// The rep whose cell it is.
    pub rep: String,
    /// Dimensions, at most [`DIMS_MAX`].
    pub dims: Vec<String>,
    /// `value` as written.
    pub value_sql: String,
    /// The aggregates in `value`, each once.
    pub slots: Vec<Slot>,
    /// What `value` does with them.
    pub arithmetic: Arithmetic,
    /// Whether a slot is money, so that all of them carry the currency of their fact.
    pub is_money: bool,
}

/// A name in the languages of the product.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Unit {
    Money,
    Count,
    Ratio,
    Days,
    Hours,
    Minutes,
    Score,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Better {
    Higher,
    Lower,
    Neither,
}

/// A KPI file that cannot be used, with where and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct KpiError {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong and what is expected.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KpiFile {
    title: Title,
    about: String,
    unit: Unit,
    better: Better,
    from: String,
    #[serde(rename = "where")]
    filter: Option<String>,
    day: String,
    rep: String,
    #[serde(default)]
    dims: Vec<String>,
    value: String,
}

impl KpiDefinition {
    /// Reads and plans the text of `<name>.toml`.
    ///
    /// # Errors
    /// [`KpiError`] with the line of the field that is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, KpiError> {
        let place = Place { name, text };
        let file: KpiFile = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            KpiError { file: place.file(), line, reason: error.message().to_owned() }
        })?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(place.error("title", "the file's name becomes the KPI's: use a-z, 0-9 and _"));
        }
        let from = FactTable::from_name(&file.from).ok_or_else(|| place.error("from", &unknown_table(&file.from)))?;
        place.check_column(from, "day", &file.day, ColumnType::Date)?;
        place.check_column(from, "rep", &file.rep, ColumnType::Text)?;
        if file.dims.len() > DIMS_MAX {
            return Err(place.error("dims", &format!("at most {DIMS_MAX} dims")));
        }
        for dim in &file.dims {
            place.check_column(from, "dims", dim, ColumnType::Text)?;
        }
        let schema = DFSchema::try_from_qualified_schema(from.name(), &from.definition().arrow_schema())
            .map_err(|error| place.error("from", &error.strip_backtrace()))?;
        let filter = file.filter.as_deref().map(|sql| place.expression("where", sql, &schema)).transpose()?;
        if let Some(filter) = &filter {
            check_expression(filter).map_err(|reason| place.error("where", &reason))?;
            slots::check_boolean(filter, &schema).map_err(|reason| place.error("where", &reason))?;
        }
        let value = place.expression("value", &file.value, &schema)?;
        let (slots, arithmetic) = slots::split(&value, &schema).map_err(|reason| place.error("value", &reason))?;
        if slots.iter().filter(|slot| slot.kind.is_additive()).count() > ADDITIVE_SLOTS_MAX {
            return Err(place.error("value", &format!("at most {ADDITIVE_SLOTS_MAX} sums and counts")));
        }
        let is_money = slots.iter().any(|slot| slot.columns().iter().any(|column| from.definition().is_money(column)));
        Ok(Self {
            name: name.to_owned(),
            title: file.title,
            about: file.about,
            unit: file.unit,
            better: file.better,
            from,
            filter_sql: file.filter,
            filter,
            day: file.day,
            rep: file.rep,
            dims: file.dims,
            value_sql: file.value,
            slots,
            arithmetic,
            is_money,
        })
    }

    /// Which of the columns s0 … s5 holds a slot; `None` for one that keeps a multiset.
    #[must_use]
    pub fn additive_column(&self, slot: usize) -> Option<usize> {
        self.slots.get(slot)?.kind.is_additive().then(|| self.slots[..slot].iter().filter(|slot| slot.kind.is_additive()).count())
    }
}

/// Points at the field of a file that something is wrong with.
struct Place<'a> {
    name: &'a str,
    text: &'a str,
}

impl Place<'_> {
    fn file(&self) -> String {
        format!("kpis/{}.toml", self.name)
    }

    fn error(&self, field: &str, reason: &str) -> KpiError {
        let starts = |line: &str| line.trim_start().strip_prefix(field).is_some_and(|rest| rest.trim_start().starts_with('='));
        let line = self.text.lines().position(starts).map_or(1, |index| index + 1);
        KpiError { file: self.file(), line, reason: format!("{field}: {reason}") }
    }

    fn check_column(&self, table: FactTable, field: &str, column: &str, expected: ColumnType) -> Result<(), KpiError> {
        match table.definition().column(column) {
            Some(found) if found.column_type == expected => Ok(()),
            Some(found) => Err(self.error(field, &format!("{column} is {:?}, it must be {expected:?}", found.column_type))),
            None => Err(self.error(field, &format!("{} has no column {column}", table.name()))),
        }
    }

    fn expression(&self, field: &str, sql: &str, schema: &DFSchema) -> Result<Expr, KpiError> {
        planner().state().create_logical_expr(sql, schema).map_err(|error| self.error(field, &error.strip_backtrace()))
    }
}

/// Plans KPI expressions; numbers with a point are exact decimals in them.
pub(crate) fn planner() -> SessionContext {
    SessionContext::new_with_config(SessionConfig::new().set_bool("datafusion.sql_parser.parse_float_as_decimal", true))
}

fn unknown_table(name: &str) -> String {
    let names: BTreeMap<&str, ()> = FactTable::ALL.iter().map(|table| (table.name(), ())).collect();
    format!("{name:?} is no fact table; there are {}", names.into_keys().collect::<Vec<_>>().join(", "))
}
