//! The sink that counts: ClickHouse over HTTP, rows as Arrow.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{array::RecordBatch, ipc::writer::StreamWriter};
use clickhouse::{Client, Compression, Row};
use serde::Deserialize;
use tidemark_schemas::connect::ClickHouseConfig;

use super::{Found, GenerationId, Heartbeat, Sink, batches, shared::SharedInserts};
use crate::{
    Error,
    pipeline::{Rows, Table, Watermark},
};

/// Rows of one insert that stay one block, so that readers see all of them or none.
const BLOCK_ROWS_MAX: &str = "4000000";

/// What a column takes in a body besides its values.
const COLUMN_BYTES: usize = 512;

/// A client for a database.
pub(crate) fn client(config: &ClickHouseConfig) -> Client {
    let client = Client::default().with_url(&config.url).with_database(&config.database).with_compression(Compression::None);
    let client = config.user.iter().fold(client, |client, user| client.with_user(user));
    config.password.iter().fold(client, |client, password| client.with_password(password))
}

/// ClickHouse, behind its HTTP address.
#[derive(Clone)]
pub struct ClickHouse {
    client: Client,
    inserts: Arc<BTreeMap<Table, SharedInserts>>,
}

impl ClickHouse {
    /// Rows go to that database.
    #[must_use]
    pub fn new(config: &ClickHouseConfig) -> Self {
        // A batch's rows are unique by key already, so sorting out duplicates while inserting is work for nothing.
        let client = client(config).with_setting("optimize_on_insert", "0").with_setting("max_insert_block_size", BLOCK_ROWS_MAX);
        Self { client, inserts: Arc::new(Table::all().map(|table| (table, SharedInserts::default())).collect()) }
    }

    pub(crate) async fn insert_batch(&self, table: &str, batch: &RecordBatch) -> Result<(), Error> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        // A body that grows while it is written is copied several times, and is some megabytes.
        let body = Vec::with_capacity(batch.get_array_memory_size() + batch.num_columns() * COLUMN_BYTES);
        let mut writer = StreamWriter::try_new(body, &batch.schema())?;
        writer.write(batch)?;
        let body = writer.into_inner()?;
        let columns: Vec<&str> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
        let sql = format!("INSERT INTO {table} ({}) FORMAT ArrowStream", columns.join(", "));
        let mut insert = self.client.insert_formatted_with(sql);
        insert.send(body.into()).await?;
        Ok(insert.end().await?)
    }
}

/// What identifies a row of a company.
fn key_columns(table: Table) -> &'static [&'static str] {
    match table {
        Table::Events => &["position"],
        Table::Facts(table) => &table.definition().key,
        Table::FactVersions => &["fact_table", "fact_key", "position"],
        Table::Findings => &["kind", "subject"],
        Table::Cells => {
            &["kpi", "row_kind", "day", "rep_id", "d0", "d1", "d2", "currency", "slot", "text", "number", "partition"]
        }
    }
}

/// What a table has from a position on: distinct keys rather than FINAL, which does not show deleted rows; a batch that is
/// written twice counts once.
fn found_in(at: usize, table: Table, from: i64) -> String {
    let version = if matches!(table, Table::Events | Table::FactVersions) { "position" } else { "version" };
    let keys = key_columns(table).join(", ");
    let generation = if table == Table::Events { "" } else { "generation = {generation:UInt32} AND" };
    format!(
        "SELECT {at} AS at, uniqExact(tenant, {keys}) AS rows, toInt64(max({version})) AS newest FROM {} \
         WHERE {generation} tenant IN {{tenants:Array(String)}} AND {version} >= {from}",
        table.name()
    )
}

impl Sink for ClickHouse {
    async fn insert(&self, table: Table, rows: &Rows) -> Result<(), Error> {
        let rows = batches::of(table, rows)?;
        let insert = move |rows: RecordBatch| async move { self.insert_batch(table.name(), &rows).await };
        match self.inserts.get(&table) {
            Some(shared) => shared.insert(rows, insert).await,
            None => insert(rows).await,
        }
    }

    async fn watermark(&self, generation: u32, partition: i32) -> Result<Option<Watermark>, Error> {
        #[derive(Row, Deserialize)]
        struct Newest {
            from: i64,
            to: i64,
            step: i64,
            record_hash: u64,
            log_id: String,
        }
        let sql = "SELECT position_from AS from, position_to AS to, step, record_hash, log_id FROM kpi_cells FINAL \
                   WHERE generation = {generation:UInt32} AND tenant = '' AND kpi = '' AND row_kind = 'watermark' AND partition = {partition:Int32}";
        let query = self.client.query(sql).param("generation", generation).param("partition", partition);
        let found: Option<Newest> = query.fetch_optional().await?;
        Ok(found.map(|found| Watermark {
            partition,
            from: found.from,
            to: found.to,
            step: found.step,
            record_hash: found.record_hash,
            log_id: found.log_id,
        }))
    }

    async fn newest_event(&self, tenants: &[Arc<str>], from: i64) -> Result<Option<(i64, u64)>, Error> {
        let sql = "SELECT position, record_hash FROM events WHERE tenant IN {tenants:Array(String)} AND position >= {from:Int64} \
                   ORDER BY position DESC LIMIT 1";
        let query = self.client.query(sql).param("tenants", tenants).param("from", from);
        Ok(query.fetch_optional::<(i64, u64)>().await?)
    }

    async fn found(&self, tables: &[(Table, i64)], generation: u32, tenants: &[Arc<str>]) -> Result<Vec<Found>, Error> {
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let found = tables.iter().enumerate().map(|(at, (table, from))| found_in(at, *table, *from));
        let sql = format!("SELECT rows, newest FROM ({}) ORDER BY at", found.collect::<Vec<_>>().join(" UNION ALL "));
        let query = self.client.query(&sql).param("generation", generation).param("tenants", tenants);
        let found = query.fetch_all::<(u64, i64)>().await?;
        Ok(found.into_iter().map(|(rows, version)| Found { rows, version }).collect())
    }

    async fn heartbeat(&self, generation: u32, beats: &[Heartbeat]) -> Result<(), Error> {
        self.insert_batch("heartbeats", &batches::heartbeats(generation, beats)?).await
    }

    async fn stands(&self, id: &GenerationId) -> Result<bool, Error> {
        let query = self.client.query(include_str!("../../sql/stands.sql"));
        Ok(query.param("generation", id.generation).param("hash", &id.definitions_hash).fetch_one().await?)
    }

    async fn announce(&self, generation: u32, partition: i32, kpis: &[String], percent: u8) -> Result<(), Error> {
        self.insert_batch("backfills", &batches::backfills(generation, partition, kpis, percent)?).await
    }

    async fn added(&self, generation: u32, partition: i32) -> Result<Vec<(String, u8)>, Error> {
        let query = self.client.query(include_str!("../../sql/added.sql"));
        Ok(query.param("generation", generation).param("partition", partition).fetch_all().await?)
    }
}
