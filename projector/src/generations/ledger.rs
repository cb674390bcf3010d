//! The table of generations: what each is made with, and which one readers are given.

use std::collections::BTreeMap;

use clickhouse::{Client, Row};
use serde::Deserialize;
use tidemark_schemas::{connect::ClickHouseConfig, definitions::Definitions};

use crate::{
    Error,
    sink::{ClickHouse, batches, client},
};

/// What a generation is to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being made beside the live one.
    Building,
    /// The one that readers are given.
    Live,
    /// It was live.
    Retired,
    /// Its rows are gone; its number is never given again.
    Dropped,
}

/// One complete set of numbers.
#[derive(Debug, Clone)]
pub struct Generation {
    /// Its number.
    pub number: u32,
    /// What it is to readers.
    pub status: Status,
    /// Hash of its definitions.
    pub definitions_hash: String,
    /// What it is made with; the reason where this program cannot read that.
    pub definitions: Result<Definitions, String>,
    /// When it was begun, milliseconds.
    pub made_at: i64,
    /// When it got its status, milliseconds.
    pub changed_at: i64,
}

/// Reads and writes the table.
#[derive(Clone)]
pub struct Ledger {
    pub(super) client: Client,
    sink: ClickHouse,
}

#[derive(Row, Deserialize)]
struct Found {
    generation: u32,
    status: String,
    definitions_hash: String,
    definitions: String,
    made_at_ms: i64,
    changed_at_ms: i64,
}

impl Status {
    const ALL: [Self; 4] = [Self::Building, Self::Live, Self::Retired, Self::Dropped];

    /// As stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Live => "live",
            Self::Retired => "retired",
            Self::Dropped => "dropped",
        }
    }
}

impl Ledger {
    /// The table of that database.
    #[must_use]
    pub fn new(config: &ClickHouseConfig) -> Self {
        Self { client: client(config), sink: ClickHouse::new(config) }
    }

    /// Every generation there ever was, in order.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn all(&self) -> Result<Vec<Generation>, Error> {
        let found: Vec<Found> = self.client.query(include_str!("../../sql/generations.sql")).fetch_all().await?;
        found.into_iter().map(Generation::try_from).collect()
    }

    /// The one that readers are given.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn live(&self) -> Result<Option<Generation>, Error> {
        Ok(self.all().await?.into_iter().rfind(|generation| generation.status == Status::Live))
    }

    /// Rows of each generation, in all tables.
    ///
    /// # Errors
    /// ClickHouse does not answer.
    pub async fn rows(&self) -> Result<BTreeMap<u32, u64>, Error> {
        let found: Vec<(u32, u64)> = self.client.query(include_str!("../../sql/generation_rows.sql")).fetch_all().await?;
        Ok(found.into_iter().collect())
    }

    /// Begins a generation, or gives one more definitions.
    ///
    /// # Errors
    /// ClickHouse did not take it.
    pub async fn put(&self, number: u32, status: Status, definitions: &Definitions, since: Option<i64>) -> Result<(), Error> {
        let (now, changed_at) = self.now().await?;
        let row = batches::generation_row(number, status.name(), definitions, (since.unwrap_or(now), changed_at))?;
        self.sink.insert_batch("generations", &row).await
    }

    /// Gives a generation another status; one that becomes live retires the others at the same moment.
    ///
    /// # Errors
    /// ClickHouse did not take it.
    pub async fn set_status(&self, number: u32, status: Status) -> Result<(), Error> {
        let (_, changed_at) = self.now().await?;
        let query = self.client.query(include_str!("../../sql/set_status.sql"));
        let query = query.param("generation", number).param("status", status.name()).param("changed_at", changed_at);
        Ok(query.execute().await?)
    }

    /// The clock of ClickHouse, and the moment of the next change.
    pub(super) async fn now(&self) -> Result<(i64, i64), Error> {
        Ok(self.client.query(include_str!("../../sql/next_change.sql")).fetch_one().await?)
    }
}

impl TryFrom<Found> for Generation {
    type Error = Error;

    fn try_from(found: Found) -> Result<Self, Error> {
        let status = Status::ALL.into_iter().find(|status| status.name() == found.status);
        let unknown =
            || Error::Invalid(format!("generation {} is {:?}: a newer tidemark wrote that", found.generation, found.status));
        Ok(Self {
            number: found.generation,
            status: status.ok_or_else(unknown)?,
            definitions_hash: found.definitions_hash,
            definitions: Definitions::parse(&found.definitions),
            made_at: found.made_at_ms,
            changed_at: found.changed_at_ms,
        })
    }
}
