//! A database with the real tables and a query service on top; rows are inserted as the projector writes them.

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use clickhouse::Client;
use serde_json::Value;
use tidemark_query::Config;
use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig},
    definitions::{Definitions, Engine},
    kpi::Catalogue,
    log::partition_of,
    pipeline::shipped_pipelines,
    table::schema_steps,
    tenant::Tenants,
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::engine;

/// With what is kept of `key-acme` and `key-other`.
const TENANTS: &str = r#"
[tenant.acme]
time_zone = "Asia/Shanghai"
currency = "CNY"
keys = [{ sha256 = "ACME", scram = "SCRAM", source = "crm" }]

[tenant.other]
time_zone = "Europe/Berlin"
currency = "EUR"
keys = [{ sha256 = "OTHER", source = "crm" }]
"#;

static KNOWN: LazyLock<Tenants> = LazyLock::new(|| {
    let hash = |key: &str| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(key));
    let scram = tidemark_query::scram_of(ACME);
    Tenants::parse(&TENANTS.replace("ACME", &hash(ACME)).replace("SCRAM", &scram).replace("OTHER", &hash(OTHER))).unwrap()
});

/// A service of its own on a database of its own.
pub struct Fixture {
    pub address: SocketAddr,
    /// Where PostgreSQL clients connect.
    pub postgres: SocketAddr,
    /// Where Arrow Flight SQL clients connect.
    pub flight: SocketAddr,
    pub clickhouse: Client,
    /// The partition of tenant `acme`.
    pub partition: i32,
    connect: ClickHouseConfig,
    _serving: DropGuard,
}

/// Whose key a request carries.
pub const ACME: &str = "key-acme";
pub const OTHER: &str = "key-other";

impl Fixture {
    /// Tables, no rows. `None` where there is no engine.
    pub async fn empty() -> Option<Self> {
        Self::with(Config::default(), Catalogue::shipped().unwrap()).await
    }

    /// With other bounds or KPIs.
    pub async fn with(config: Config, catalogue: Catalogue) -> Option<Self> {
        // What went wrong inside is said in the log; a failed test shows it.
        let _already = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_test_writer().try_init();
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let url = tokio::task::spawn_blocking(engine::url).await.unwrap()?;
        let database = format!("query_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let server = Client::default().with_url(&url);
        server.query(&format!("CREATE DATABASE {database}")).execute().await.unwrap();
        let clickhouse = server.with_database(&database);
        for step in schema_steps() {
            clickhouse.query(&step.sql.replace('?', "??")).execute().await.unwrap();
        }
        let connect = ClickHouseConfig { url, database, ..ClickHouseConfig::default() };
        let fixture = Self::serve(connect, clickhouse, config).await;
        fixture.generation(1, "live", &catalogue).await;
        Some(fixture)
    }

    /// On an engine that takes connections and says nothing, which lasts as long as the listener.
    pub async fn silent(config: Config) -> (Self, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clickhouse = Client::default().with_url(&url);
        (Self::serve(ClickHouseConfig { url, ..ClickHouseConfig::default() }, clickhouse, config).await, listener)
    }

    /// Another service on the same database.
    pub async fn beside(&self, config: Config) -> Self {
        Self::serve(self.connect.clone(), self.clickhouse.clone(), config).await
    }

    async fn serve(connect: ClickHouseConfig, clickhouse: Client, config: Config) -> Self {
        // None is there, whatever else runs on this machine.
        let kafka = KafkaConfig { brokers: "127.0.0.1:1".to_owned(), ..KafkaConfig::default() };
        let partition = partition_of("acme", kafka.partitions);
        let any_port = ([127, 0, 0, 1], 0).into();
        let config = Config { listen: any_port, postgres_listen: any_port, flight_listen: any_port, ..config };
        let tenants = Arc::new(KNOWN.clone());
        let server = tidemark_query::bind(config, connect.clone(), kafka, tenants).await.unwrap();
        let (address, postgres, flight) = (server.local_addr(), server.postgres_addr(), server.flight_addr());
        let shutdown = CancellationToken::new();
        tokio::spawn(server.serve(shutdown.clone()));
        Self { address, postgres, flight, clickhouse, partition, connect, _serving: shutdown.drop_guard() }
    }

    /// A set of numbers that is made with these KPIs; where it was recorded before, it changes its status.
    pub async fn generation(&self, number: u32, status: &str, catalogue: &Catalogue) {
        let engine = Engine::of_this_program(1);
        let definitions = Definitions::new(engine, catalogue, &KNOWN, &shipped_pipelines().unwrap()).unwrap();
        self.definitions(number, status, &definitions).await;
    }

    /// The same with definitions of any kind.
    pub async fn definitions(&self, number: u32, status: &str, definitions: &Definitions) {
        let (hash, json) = (definitions.hash(), definitions.to_json().replace('\\', "\\\\").replace('\'', "\\'"));
        self.run(&format!(
            "INSERT INTO generations (generation, definitions_hash, status, changed_at, definitions) \
             SELECT {number}, '{hash}', '{status}', toDateTime64('2026-01-01', 3, 'UTC') + INTERVAL count() SECOND, '{json}' FROM generations"
        ))
        .await;
    }

    /// Runs one statement.
    pub async fn run(&self, sql: &str) {
        self.clickhouse.query(&sql.replace('?', "??")).execute().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Cells of tenant `acme`, generation 1: `(kpi, day, rep, d0, currency, facts, s0, s1, version, is_deleted)`.
    pub async fn cells(&self, rows: &str) {
        let rows = rows.replace('(', "(1, 'acme', 'cell', ");
        self.run(&format!(
            "INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, rep_id, d0, currency, facts, s0, s1, version, is_deleted) VALUES {rows}"
        ))
        .await;
    }

    /// The same with the watermark of their position, in one block, as the projector writes them.
    pub async fn cells_at(&self, position: i64, rows: &str) {
        let (rows, partition) = (rows.replace('(', "(1, 'acme', 'cell', 0, 0, 0, "), self.partition);
        self.run(&format!(
            "INSERT INTO kpi_cells (generation, tenant, row_kind, partition, position_from, position_to, kpi, day, rep_id, d0, currency, facts, \
             s0, s1, version, is_deleted) VALUES {rows}, \
             (1, '', 'watermark', {partition}, 0, {position}, '', '1970-01-01', '', '', '', 0, 0, 0, {position}, 0)"
        ))
        .await;
    }

    /// Multiset rows of the same: `(kpi, day, rep, d0, currency, slot, text, number, facts, version, is_deleted)`.
    pub async fn values(&self, rows: &str) {
        let rows = rows.replace('(', "(1, 'acme', 'value', ");
        self.run(&format!(
            "INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, rep_id, d0, currency, slot, text, number, facts, version, is_deleted) VALUES {rows}"
        ))
        .await;
    }

    /// The watermark of acme's partition.
    pub async fn watermark(&self, position: i64) {
        let partition = self.partition;
        self.run(&format!(
            "INSERT INTO kpi_cells (generation, row_kind, day, partition, position_from, position_to, version) \
             VALUES (1, 'watermark', '1970-01-01', {partition}, 0, {position}, {position})"
        ))
        .await;
    }

    /// Roster rows of a tenant of generation 1 as the projector writes them at a position, with their versions:
    /// `(tenant, rep, from, to, team, department)`; an empty text is none.
    pub async fn roster(&self, position: i64, rows: &[[&str; 6]]) {
        for [tenant, rep_id, from, to, team, department] in rows {
            let texts = [("rep_id", *rep_id), ("team", *team), ("department", *department)];
            self.fact(position, tenant, "roster", rep_id, (from, to), &texts).await;
        }
    }

    /// Exchange rates in the same way: `(tenant, from currency, to currency, from, to, rate)`.
    pub async fn rates(&self, position: i64, rows: &[[&str; 6]]) {
        for [tenant, from_currency, to_currency, from, to, rate] in rows {
            let texts = [("from_currency", *from_currency), ("to_currency", *to_currency), ("rate", *rate)];
            self.fact(position, tenant, "rates", &format!("{from_currency}/{to_currency}"), (from, to), &texts).await;
        }
    }

    async fn fact(&self, position: i64, tenant: &str, table: &str, key: &str, days: (&str, &str), texts: &[(&str, &str)]) {
        let none = |text: &str| if text.is_empty() { "NULL".to_owned() } else { format!("'{text}'") };
        let columns: Vec<&str> = texts.iter().map(|(column, _)| *column).collect();
        let values: Vec<String> = texts.iter().map(|(_, value)| none(value)).collect();
        let (from, to) = (none(days.0), none(days.1));
        self.run(&format!(
            "INSERT INTO {table} (generation, tenant, valid_from, valid_to, {}, version) VALUES (1, '{tenant}', {from}, {to}, {}, {position})",
            columns.join(", "),
            values.join(", ")
        ))
        .await;
        let day = |text: &str| text.parse::<chrono::NaiveDate>().ok().map(|day| (day - chrono::NaiveDate::default()).num_days());
        let mut fact = serde_json::Map::new();
        fact.extend(
            texts.iter().filter(|(_, value)| !value.is_empty()).map(|(column, value)| ((*column).to_owned(), (*value).into())),
        );
        let bounds = [("valid_from", day(days.0)), ("valid_to", day(days.1))];
        fact.extend(bounds.into_iter().filter_map(|(column, day)| Some((column.to_owned(), day?.into()))));
        self.run(&format!(
            "INSERT INTO fact_versions VALUES (1, '{tenant}', '{table}', '{key}/{}', {position}, now64(3), 1, '{}')",
            days.0,
            Value::Object(fact)
        ))
        .await;
    }

    /// The heartbeat of acme's partition, written now.
    pub async fn heartbeat(&self, position: i64, end: i64) {
        let partition = self.partition;
        self.run(&format!("INSERT INTO heartbeats (generation, partition, position, end_position, copies, written_at) VALUES (1, {partition}, {position}, {end}, 1, now64(3))")).await;
    }

    /// The status and JSON of a GET with acme's key.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as(ACME, path).await
    }

    /// The same with another key.
    pub async fn get_as(&self, key: &str, path: &str) -> (u16, Value) {
        let url = format!("http://{}{path}", self.address);
        let response = reqwest::Client::new().get(url).bearer_auth(key).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The status and JSON of a question by SQL.
    pub async fn sql(&self, key: &str, sql: &str) -> (u16, Value) {
        let response = self.ask(key, sql, "application/json").await;
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A question by SQL.
    pub async fn ask(&self, key: &str, sql: &str, accept: &str) -> reqwest::Response {
        self.post_sql(key, &serde_json::json!({ "sql": sql }), accept).await
    }

    /// A question by SQL with whatever belongs to it.
    pub async fn post_sql(&self, key: &str, question: &Value, accept: &str) -> reqwest::Response {
        let request = reqwest::Client::new().post(format!("http://{}/v1/sql", self.address)).bearer_auth(key);
        request.header("Accept", accept).json(question).send().await.unwrap()
    }

    /// The rows of a KPI as `period by… value` lines.
    pub async fn rows(&self, path: &str) -> Vec<String> {
        let (status, answer) = self.get(&format!("/v1/kpis/{path}")).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer["rows"].as_array().unwrap().iter().map(line).collect()
    }
}

fn line(row: &Value) -> String {
    let row = row.as_object().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let by = row
        .iter()
        .filter(|(name, _)| *name != "period" && *name != "value")
        .map(|(name, value)| format!("{name}={}", text(value)));
    [vec![text(&row["period"])], by.collect(), vec![text(&row["value"])]].concat().join(" ")
}
