//! The same inserts and merges give the same answers on the twin and on the real engine: also where two rows of a key have
//! the same version and differ, which only the order of inserts decides.

use std::{collections::BTreeMap, sync::Arc};

use clickhouse::Client;
use tidemark_projector::{
    measure::Measures,
    pipeline::{Partition, Record, Rows, Table},
    settings::{FOLDS_VERSION, Settings},
    sink::{ClickHouse, MemorySink, Sink, Tables, apply_schema},
    state::Memory,
};
use tidemark_schemas::{
    connect::ClickHouseConfig,
    definitions::{Definitions, Engine},
    events::wire,
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    tenant::Tenants,
};
use tidemark_verify::generate;

use crate::engine;

const SEQUENCES: u64 = 30;
const STEPS: usize = 14;
const TENANT: &str = "acme";
/// Some KPIs are enough: with sums, multisets, dimensions and money.
const KPIS: usize = 12;

/// Choices that depend on the seed alone.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Batches of two histories at the same positions, so that rows meet that have a key and a version in common.
fn batches(seed: u64) -> Vec<Rows> {
    let tenants = Tenants::parse("[tenant.acme]\ntime_zone = \"Asia/Shanghai\"\ncurrency = \"CNY\"").unwrap();
    let mut catalogue = Catalogue::default();
    for (name, text) in Catalogue::shipped().unwrap().texts().take(KPIS) {
        catalogue.add(name, text).unwrap();
    }
    let engine = Engine::of_this_program(FOLDS_VERSION);
    let definitions = Definitions::new(engine, &catalogue, &tenants, &shipped_pipelines().unwrap()).unwrap();
    let settings = Arc::new(Settings::new(&definitions, 1).unwrap());
    let measures = Arc::new(Measures::plan(&catalogue).unwrap());
    let mut batches = Vec::new();
    for history in [seed, seed + 1_000] {
        let mut partition = Partition::open(0, Memory::default(), settings.clone(), measures.clone()).unwrap();
        let records: Vec<Record> =
            (0..).zip(generate::history(history, 48)).map(|(offset, event)| record(offset, &event)).collect();
        for records in records.chunks(8) {
            let batch = partition.project(records, "log").unwrap();
            batches.push(batch.rows);
            partition.commit(batch.writes, batch.mark).unwrap();
        }
    }
    batches
}

fn record(offset: i64, event: &tidemark_schemas::events::Event) -> Record {
    let key = Some(TENANT.as_bytes().to_vec());
    Record { from_registry: false, offset, appended_at: 1_777_600_000_000 + offset, key, value: wire::encode(event).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_twin_answers_as_the_engine() {
    let Some(url) = engine::url() else { return };
    let config = ClickHouseConfig { url: url.clone(), database: "twin".to_owned(), ..ClickHouseConfig::default() };
    apply_schema(&config).await.unwrap();
    let client = Client::default().with_url(&url).with_database(&config.database);
    let engine = ClickHouse::new(&config);
    for seed in 0..SEQUENCES {
        let mut choices = Choices(seed);
        let batches = batches(seed);
        let twin = MemorySink::default();
        for table in ["events", "findings", "kpi_cells", "visits", "deals"] {
            client.query(&format!("TRUNCATE TABLE {table}")).execute().await.unwrap();
        }
        for _ in 0..STEPS {
            let rows = &batches[choices.below(batches.len())];
            for table in [Table::Events, Table::Findings, Table::Cells] {
                if rows.count(table) == 0 && table != Table::Cells {
                    continue;
                }
                engine.insert(table, rows).await.unwrap();
                twin.insert(table, rows).await.unwrap();
            }
            if choices.below(4) == 0 {
                merge(&client, &twin).await;
            }
            compare_answers(&engine, &twin, seed).await;
        }
        compare_rows(&client, &twin.tables(), seed).await;
        merge(&client, &twin).await;
        compare_rows(&client, &twin.tables(), seed).await;
    }
}

/// Merges everything of every table into one part.
async fn merge(client: &Client, twin: &MemorySink) {
    for (table, parts) in twin.part_counts() {
        client.query(&format!("OPTIMIZE TABLE {} FINAL", table.name())).execute().await.unwrap();
        twin.merge(table, 0..parts);
    }
}

/// What the projector asks at start.
async fn compare_answers(engine: &ClickHouse, twin: &MemorySink, seed: u64) {
    let tenants = [Arc::from(TENANT), Arc::from("nobody")];
    assert_eq!(engine.watermark(1, 0).await.unwrap(), twin.watermark(1, 0).await.unwrap(), "sequence {seed}");
    for from in [0, 20, 40] {
        let newest = |found: Option<(i64, u64)>| found.map(|(position, _)| position);
        assert_eq!(
            newest(engine.newest_event(&tenants, from).await.unwrap()),
            newest(twin.newest_event(&tenants, from).await.unwrap()),
            "sequence {seed}"
        );
        // A watermark has no company.
        let tables = [(Table::Findings, from), (Table::Events, from + 1), (Table::Cells, from)];
        let (found, expected) =
            (engine.found(&tables, 1, &tenants).await.unwrap(), twin.found(&tables, 1, &tenants).await.unwrap());
        assert_eq!(found, expected, "sequence {seed} from {from}");
    }
}

/// What readers see.
async fn compare_rows(client: &Client, twin: &Tables, seed: u64) {
    let events = "SELECT position, verdict FROM events FINAL ORDER BY position";
    let found: Vec<(i64, String)> = client.query(events).fetch_all().await.unwrap();
    let found: Vec<&str> = found.iter().map(|(_, verdict)| verdict.as_str()).collect();
    assert_eq!(found, twin.verdicts(), "sequence {seed}");

    let findings = "SELECT kind, subject, detail FROM findings FINAL";
    let found: Vec<(String, String, String)> = client.query(findings).fetch_all().await.unwrap();
    let found: BTreeMap<(String, String), String> =
        found.into_iter().map(|(kind, subject, detail)| ((kind, subject), detail)).collect();
    let expected = twin.findings().into_iter().map(|((_, kind, subject), detail)| ((kind.to_owned(), subject), detail)).collect();
    assert_eq!(found, expected, "sequence {seed}");

    let cells = "SELECT concat(kpi, '|', toString(toInt32(day)), '|', rep_id, '|', d0, '|', d1, '|', currency), facts, \
                 concat(toString(s0), ' ', toString(s1)) FROM kpi_cells FINAL WHERE row_kind = 'cell'";
    let found: Vec<(String, i64, String)> = client.query(cells).fetch_all().await.unwrap();
    let found: BTreeMap<String, (i64, String)> = found.into_iter().map(|(key, facts, sums)| (key, (facts, sums))).collect();
    let text = |sums: &[i128], slot: usize| plain(sums.get(slot).copied().unwrap_or(0));
    let expected = twin.cells().into_iter().map(|((_, key), cell)| {
        let name = [&*key.kpi, &key.day.to_string(), &key.rep_id, &key.dims[0], &key.dims[1], &key.currency].join("|");
        (name, (cell.facts, format!("{} {}", text(&cell.sums, 0), text(&cell.sums, 1))))
    });
    assert_eq!(found, expected.collect(), "sequence {seed}");
}

/// Millionths as ClickHouse writes decimals: without zeros at the end.
fn plain(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, places) = (millionths.abs() / 1_000_000, millionths.abs() % 1_000_000);
    if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", format!("{places:06}").trim_end_matches('0')) }
}
