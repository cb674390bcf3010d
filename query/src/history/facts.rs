//! The facts of a table as they were after an event.

use chrono::NaiveDate;
use clickhouse::query::RowCursor;
use tidemark_schemas::{fact::Fact, table::FactTable};

use super::Past;
use crate::{Error, service::Service};

/// Facts that are measured at a time.
const BATCH: usize = 8192;

/// Which facts: of one table, and where a day is asked for, those of these days.
pub(crate) struct Wanted<'a> {
    pub(super) table: FactTable,
    /// The column that decides the business day.
    pub(super) day: &'a str,
    /// First day; everything before too where there is none.
    pub(super) from: Option<NaiveDate>,
    /// Last day.
    pub(super) to: Option<NaiveDate>,
}

impl Wanted<'_> {
    /// The whole table.
    pub(crate) fn all(table: FactTable) -> Self {
        Self { table, day: "", from: None, to: None }
    }
}

/// Facts, in the order of their keys.
pub(crate) struct Facts {
    table: FactTable,
    rows: RowCursor<(String, String)>,
}

impl Facts {
    /// # Errors
    /// ClickHouse.
    pub(crate) fn read(service: &Service, past: &Past, wanted: &Wanted<'_>) -> Result<Self, Error> {
        let number = |day: Option<NaiveDate>, none: i32| day.map_or(none, days_since_1970);
        let rows = service
            .clickhouse
            .query(include_str!("../../sql/facts_as_of.sql"))
            .param("generation", past.generation)
            .param("tenant", past.tenant.as_ref())
            .param("table", wanted.table.name())
            .param("position", past.position.offset)
            .param("day", wanted.day)
            .param("from", number(wanted.from, i32::MIN))
            .param("to", number(wanted.to, i32::MAX))
            .fetch()?;
        Ok(Self { table: wanted.table, rows })
    }

    /// The next ones; none after the last.
    ///
    /// # Errors
    /// ClickHouse; a text that is no fact.
    pub(crate) async fn next(&mut self) -> Result<Vec<Fact>, Error> {
        let mut facts = Vec::new();
        while facts.len() < BATCH {
            let Some((key, text)) = self.rows.next().await? else { break };
            let broken = |error| Error::Unexpected(format!("{}/{key} is no fact: {error}", self.table.name()));
            facts.push(Fact::from_json(self.table, &text).map_err(broken)?);
        }
        Ok(facts)
    }
}

/// As facts have a day.
pub(super) fn days_since_1970(day: NaiveDate) -> i32 {
    // Dates that can be asked for lie in 1970 to 2149.
    i32::try_from((day - NaiveDate::default()).num_days()).unwrap_or(i32::MAX)
}
