//! What is read out of the `.sql` files is what the engine makes of them: columns, types, comments and keys.

use reqwest::Client;
use serde::Deserialize;
use tidemark_schemas::table::{ColumnType, FactTable, schema_steps};

use crate::engine;

const TECHNICAL: &[&str] = &["generation", "tenant", "version", "is_deleted"];

#[derive(Deserialize)]
struct EngineColumn {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    comment: String,
}

/// One statement; the answer's text.
async fn run(url: &str, sql: &str) -> String {
    let answer = Client::new().post(url).query(&[("database", "ddl")]).body(sql.to_owned()).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{sql}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_what_the_engine_says() {
    let Some(url) = engine::url() else { return };
    let created = Client::new().post(&url).body("CREATE DATABASE IF NOT EXISTS ddl").send().await.unwrap();
    assert!(created.status().is_success());
    // Twice: a step that was interrupted before it was recorded is applied again.
    for step in schema_steps().iter().chain(schema_steps()) {
        run(&url, step.sql).await;
    }
    for table in FactTable::ALL {
        let name = table.name();
        let sql = format!(
            "SELECT name, type, comment FROM system.columns WHERE database = 'ddl' AND table = '{name}' ORDER BY position \
             FORMAT JSONEachRow"
        );
        let columns = run(&url, &sql).await;
        let columns = columns.lines().map(|line| serde_json::from_str::<EngineColumn>(line).unwrap());
        let columns: Vec<EngineColumn> = columns.filter(|column| !TECHNICAL.contains(&column.name.as_str())).collect();
        let definition = table.definition();
        assert_eq!(columns.len(), definition.columns.len(), "{name}");
        for (ours, theirs) in definition.columns.iter().zip(&columns) {
            assert_eq!(ours.name, theirs.name, "{name}");
            assert_eq!(type_name(ours.column_type, ours.nullable), theirs.type_name, "{name}.{}", ours.name);
            assert_eq!(ours.about, theirs.comment, "{name}.{}", ours.name);
        }
        let sql =
            format!("SELECT sorting_key, engine_full FROM system.tables WHERE database = 'ddl' AND name = '{name}' FORMAT TSV");
        let answer = run(&url, &sql).await;
        let (sorting_key, engine) = answer.trim_end().split_once('\t').unwrap();
        assert_eq!(sorting_key, format!("generation, tenant, {}", definition.key.join(", ")), "{name}");
        assert!(engine.starts_with("ReplacingMergeTree(version, is_deleted) PARTITION BY generation"), "{name}: {engine}");
    }
}

/// A KPI's expressions are planned on these types; ClickHouse must hold the same.
fn type_name(column_type: ColumnType, nullable: bool) -> String {
    let plain = match column_type {
        ColumnType::Text => "String",
        ColumnType::Int => "Int64",
        ColumnType::Bool => "Bool",
        ColumnType::Decimal => "Decimal(38, 6)",
        ColumnType::Date => "Date32",
        ColumnType::Instant => "DateTime64(3, 'UTC')",
    };
    if nullable { format!("Nullable({plain})") } else { plain.to_owned() }
}

#[test]
fn steps_count_up_without_a_gap() {
    let numbers = schema_steps().iter().map(|step| step.number);
    assert!(numbers.eq(1..=schema_steps().len() as u32));
}
