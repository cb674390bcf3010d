//! The same on the real engine: what is read under FINAL does not depend on where batches are cut, on crashes, or on
//! whether parts were merged; and it is what the twin in memory holds.

use clickhouse::Client;
use tidemark_projector::{
    pipeline::{Partition, Record},
    sink::{ClickHouse, MemorySink, RowKey, Sink, apply_schema, write},
    state::Memory,
};
use tidemark_schemas::{connect::ClickHouseConfig, table::FactTable};
use tidemark_verify::generate;

use crate::{
    engine,
    organisation::{Organisation, log, project},
};

const EVENTS: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn rows_under_final_are_the_same() {
    let Some(url) = engine::url() else { return };
    let organisation = Organisation::new();
    let history = log(&generate::history(11, EVENTS));
    let mut seen = Vec::new();
    for (name, size, merges) in
        [("by_one", 1, true), ("by_seven", 7, true), ("at_once", 1000, true), ("by_seven_unmerged", 7, false)]
    {
        let config = ClickHouseConfig { url: url.clone(), database: format!("rows_{name}"), ..ClickHouseConfig::default() };
        apply_schema(&config).await.unwrap();
        let client = Client::default().with_url(&url).with_database(&config.database);
        if !merges {
            stop_merges(&client).await;
        }
        let sink = ClickHouse::new(&config);
        crash_at_every_commit(&mut organisation.open(Memory::default()), &sink, &history, size).await;
        seen.push((name, read(&client).await));
        let watermark = sink.watermark(1, 0).await.unwrap().unwrap();
        assert_eq!((watermark.to, watermark.log_id.as_str()), (EVENTS as i64 - 1, "log"));
    }
    let (first, others) = seen.split_first().unwrap();
    for other in others {
        for (one, another) in first.1.iter().zip(&other.1) {
            assert_eq!(one, another, "{} and {}", first.0, other.0);
        }
    }
    compare_with_twin(&organisation, &history, &first.1);
}

/// Every batch is written, its commit lost, and made and written again.
async fn crash_at_every_commit(partition: &mut Partition<Memory>, sink: &ClickHouse, history: &[Record], size: usize) {
    while let Ok(next) = usize::try_from(partition.mark().next_offset) {
        let Some(rest) = history.get(next..).filter(|rest| !rest.is_empty()) else { return };
        let records = &rest[..size.min(rest.len())];
        let lost = partition.project(records, "log").unwrap();
        write(sink, &lost.rows).await.unwrap();
        let batch = partition.project(records, "log").unwrap();
        write(sink, &batch.rows).await.unwrap();
        partition.commit(batch.writes, batch.mark).unwrap();
    }
}

async fn stop_merges(client: &Client) {
    for table in tables() {
        client.query(&format!("SYSTEM STOP MERGES {table}")).execute().await.unwrap();
    }
}

fn tables() -> Vec<&'static str> {
    let own = ["events", "fact_versions", "findings", "kpi_cells"];
    FactTable::ALL.iter().map(|table| table.name()).chain(own).collect()
}

/// Every table as a reader sees it; of `kpi_cells` without watermarks, which say where batches were cut.
async fn read(client: &Client) -> Vec<(&'static str, String)> {
    let mut read = Vec::new();
    for table in tables() {
        let condition = if table == "kpi_cells" { "WHERE row_kind <> 'watermark'" } else { "" };
        let sql = format!("SELECT * FROM {table} FINAL {condition} ORDER BY ALL");
        let mut bytes = client.query(&sql).fetch_bytes("TSV").unwrap();
        read.push((table, String::from_utf8(bytes.collect().await.unwrap().to_vec()).unwrap()));
    }
    read
}

/// The twin holds as many rows per table, so that tests on the twin say something about the engine.
fn compare_with_twin(organisation: &Organisation, history: &[Record], tables: &[(&str, String)]) {
    let sink = MemorySink::default();
    project(&mut organisation.open(Memory::default()), &sink, history, &[10], |_| None);
    let twin = sink.tables();
    for (table, rows) in tables {
        let expected = match *table {
            "events" => twin.verdicts().len(),
            "fact_versions" => twin.rows().filter(|(key, _)| matches!(key, RowKey::Version(..))).count(),
            "findings" => twin.findings().len(),
            "kpi_cells" => twin.cells().len() + twin.values().len(),
            fact_table => twin.facts().keys().filter(|(_, table, _)| table.name() == fact_table).count(),
        };
        assert_eq!(rows.lines().count(), expected, "{table}");
    }
}
