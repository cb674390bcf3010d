//! Reads what ClickHouse has, each table as of one position.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use clickhouse::{Client, Compression, Row, query::Query};
use serde::Deserialize;
use tidemark_schemas::{
    connect::ClickHouseConfig,
    events::Envelope,
    kpi::Catalogue,
    table::{ColumnType, FactTable},
};
use tidemark_verify::{Found, StoredCell, StoredCells, StoredEvent, fact, key};

/// Positions asked for in one question.
const POSITIONS_MAX: usize = 500;

/// The tables of one tenant in one generation.
pub struct Store {
    client: Client,
    generation: u32,
    tenant: String,
}

/// Cells, and the position that they are of; none before the first batch.
pub struct Cells {
    pub position: Option<i64>,
    pub cells: StoredCells,
}

#[derive(Row, Deserialize)]
struct CellRow {
    kind: String,
    kpi_name: String,
    on_day: i32,
    rep_id: String,
    dims: Vec<String>,
    in_currency: String,
    slot: u8,
    text: String,
    decimal: String,
    facts: i64,
    sums: Vec<String>,
    position_to: i64,
    row_version: i64,
}

#[derive(Row, Deserialize)]
struct EventRow {
    position: i64,
    known: i64,
    event_type: String,
    event_source: String,
    event_id: String,
    revision: i64,
    stored_verdict: String,
    account_id: Option<String>,
    rep_id: Option<String>,
    occurred: i64,
    recorded: Option<i64>,
    received: i64,
    data: String,
}

#[derive(Row, Deserialize)]
struct VersionRow {
    in_table: String,
    key: String,
    last_position: i64,
    last_fact: String,
}

#[derive(Row, Deserialize)]
struct FactRow {
    texts: Vec<Option<String>>,
    row_version: i64,
}

/// A client for the database of the settings.
pub fn connect(config: &ClickHouseConfig) -> Client {
    let client = Client::default().with_url(&config.url).with_database(&config.database).with_compression(Compression::None);
    let client = config.user.iter().fold(client, |client, user| client.with_user(user));
    config.password.iter().fold(client, |client, password| client.with_password(password))
}

impl Store {
    pub fn new(client: &Client, generation: u32, tenant: &str) -> Self {
        Self { client: client.clone(), generation, tenant: tenant.to_owned() }
    }

    fn query(&self, sql: &str) -> Query {
        self.client.query(sql).param("generation", self.generation).param("tenant", &self.tenant)
    }

    /// Cells of these KPIs (of all when none is named) and the watermark of the tenant's partition, of one scan.
    ///
    /// # Errors
    /// ClickHouse; a row that is no cell.
    pub async fn cells(&self, partition: i32, kpis: &[String], catalogue: &Catalogue) -> Result<Cells> {
        let query = self.query(include_str!("cells.sql")).param("partition", partition).param("kpis", kpis);
        let mut rows = query.fetch::<CellRow>()?;
        let mut read = Cells { position: None, cells: StoredCells::default() };
        while let Some(row) = rows.next().await? {
            if row.kind == "watermark" {
                read.position = Some(row.position_to);
                continue;
            }
            read.cells.add(catalogue, row.into())?;
        }
        Ok(read)
    }

    /// How many records of the log there are up to a position.
    ///
    /// # Errors
    /// ClickHouse.
    pub async fn events_count(&self, position: i64) -> Result<u64> {
        Ok(self
            .client
            .query(include_str!("events_count.sql"))
            .param("tenant", &self.tenant)
            .param("position", position)
            .fetch_one()
            .await?)
    }

    /// Hands over every record up to a position, in order, with the verdict that is stored.
    ///
    /// # Errors
    /// ClickHouse; what `each` says.
    pub async fn events(&self, position: i64, mut each: impl FnMut(StoredEvent, String) -> Result<()>) -> Result<()> {
        let query = self.client.query(include_str!("events.sql")).param("tenant", &self.tenant).param("position", position);
        let mut rows = query.fetch::<EventRow>()?;
        while let Some(row) = rows.next().await? {
            let verdict = row.stored_verdict.clone();
            each(row.into(), verdict)?;
        }
        Ok(())
    }

    /// Of some positions, those at which there is a record of the tenant.
    ///
    /// # Errors
    /// ClickHouse.
    pub async fn events_at(&self, positions: &BTreeSet<i64>) -> Result<BTreeSet<i64>> {
        let mut found = BTreeSet::new();
        for positions in positions.iter().copied().collect::<Vec<i64>>().chunks(POSITIONS_MAX) {
            let query =
                self.client.query(include_str!("events_at.sql")).param("tenant", &self.tenant).param("positions", positions);
            found.extend(query.fetch_all::<i64>().await?);
        }
        Ok(found)
    }

    /// The JSON of every fact of these tables (of all when none is named) at a position, by `table/key`, from its history.
    ///
    /// # Errors
    /// ClickHouse.
    pub async fn fact_versions(&self, position: i64, tables: &[String]) -> Result<BTreeMap<String, Found<String>>> {
        let query = self.query(include_str!("fact_versions.sql")).param("position", position).param("tables", tables);
        let mut rows = query.fetch::<VersionRow>()?;
        let mut facts = BTreeMap::new();
        while let Some(VersionRow { in_table, key, last_position, last_fact }) = rows.next().await? {
            facts.insert(format!("{in_table}/{key}"), Found { value: last_fact, version: last_position });
        }
        Ok(facts)
    }

    /// The facts of a table as readers see them, by key.
    ///
    /// # Errors
    /// ClickHouse; a row that is no fact.
    pub async fn facts(&self, table: FactTable) -> Result<BTreeMap<String, Found<tidemark_schemas::fact::Fact>>> {
        let columns = table.definition().columns.iter().map(|column| as_text(column.name, column.column_type));
        let mut rows = self.query(&statement(include_str!("facts.sql"), table, columns)).fetch::<FactRow>()?;
        let mut facts = BTreeMap::new();
        while let Some(FactRow { texts, row_version }) = rows.next().await? {
            let value = fact(table, &texts)?;
            facts.insert(value.key(), Found { value, version: row_version });
        }
        Ok(facts)
    }

    /// The keys of a table that were touched after a position, each with the last version.
    ///
    /// # Errors
    /// ClickHouse.
    pub async fn facts_newer(&self, table: FactTable, position: i64) -> Result<BTreeMap<String, i64>> {
        let definition = table.definition();
        let columns = definition.columns.iter().filter(|column| definition.key.contains(&column.name));
        let type_of: BTreeMap<&str, ColumnType> = columns.map(|column| (column.name, column.column_type)).collect();
        let columns = definition.key.iter().map(|name| as_text(name, type_of[name]));
        let query = self.query(&statement(include_str!("facts_newer.sql"), table, columns)).param("position", position);
        let rows: Vec<FactRow> = query.fetch_all().await?;
        Ok(rows.into_iter().map(|row| (key(&row.texts), row.row_version)).collect())
    }
}

fn statement(template: &str, table: FactTable, columns: impl Iterator<Item = String>) -> String {
    let columns = columns.collect::<Vec<_>>().join(", ");
    let key = table.definition().key.join(", ");
    template.replace("$columns", &columns).replace("$table", table.name()).replace("$key", &key)
}

/// A column in the form that [`fact`] reads.
fn as_text(name: &str, column_type: ColumnType) -> String {
    let value = match column_type {
        ColumnType::Date => format!("toInt32({name})"),
        ColumnType::Instant => format!("toUnixTimestamp64Milli({name})"),
        _ => name.to_owned(),
    };
    format!("CAST(toString({value}) AS Nullable(String))")
}

impl From<CellRow> for StoredCell {
    fn from(row: CellRow) -> Self {
        Self {
            is_value: row.kind == "value",
            kpi: row.kpi_name,
            day: row.on_day,
            rep: row.rep_id,
            dims: row.dims,
            currency: row.in_currency,
            slot: row.slot,
            text: row.text,
            number: row.decimal,
            facts: row.facts,
            sums: row.sums,
            version: row.row_version,
        }
    }
}

impl From<EventRow> for StoredEvent {
    fn from(row: EventRow) -> Self {
        let envelope = Envelope {
            source: row.event_source,
            event_id: row.event_id,
            revision: row.revision,
            retracted: false,
            account_id: row.account_id,
            rep_id: row.rep_id,
            occurred_at: row.occurred,
            recorded_at: row.recorded,
            received_at: row.received,
        };
        Self { position: row.position, known_at: row.known, event_type: row.event_type, envelope, data: row.data }
    }
}
