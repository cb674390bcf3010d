//! Which numbers are answered, and with which definitions: those that the live generation was made with.

use tidemark_query::Config;
use tidemark_schemas::{
    definitions::{Definitions, Engine},
    kpi::Catalogue,
    pipeline::shipped_pipelines,
    tenant::Tenants,
};

use crate::fixture::{ACME, Fixture, OTHER};

const VALUE: &str = "title = { en = \"Share\", zh = \"份额\" }\nabout = \"\"\nunit = \"ratio\"\nbetter = \"higher\"\nfrom = \"visits\"\n\
                     day = \"occurred_on\"\nrep = \"rep_id\"\nvalue = ";

/// One KPI with this value.
fn share(value: &str) -> Catalogue {
    let mut catalogue = Catalogue::default();
    catalogue.add("share", &format!("{VALUE}{value:?}\n")).unwrap();
    catalogue
}

#[tokio::test]
async fn cells_and_arithmetic_are_of_one_generation() {
    let sums = "sum(duration_min) / count(*)";
    let Some(fixture) = Fixture::with(Config::default(), share(sums)).await else { return };
    fixture.cells("('share', '2026-01-05', 'R-1', '', '', 2, 60, 2, 1, 0)").await;
    let insert = "INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, facts, s0, s1, version)";
    fixture.run(&format!("{insert} VALUES (2, 'acme', 'cell', 'share', '2026-01-05', 2, 2, 60, 1)")).await;
    // The same KPI with its slots the other way round.
    let reversed = share("count(*) / sum(duration_min)");
    fixture.generation(2, "building", &reversed).await;
    assert_eq!(fixture.rows("share").await, ["2026-01-05 30"]);
    fixture.generation(1, "retired", &share(sums)).await;
    fixture.generation(2, "live", &reversed).await;
    assert_eq!(fixture.rows("share").await, ["2026-01-05 0.0333333333"]);
    let (_, answer) = fixture.get("/v1/kpis/share").await;
    assert_eq!(answer["trust"]["generation"], 2);
    let (_, listed) = fixture.sql(ACME, "SELECT name, value FROM kpis").await;
    assert_eq!(listed["rows"], serde_json::json!([{ "name": "share", "value": "count(*) / sum(duration_min)" }]));
}

/// Others may become live that are less far.
#[tokio::test]
async fn what_was_waited_for_is_in_the_numbers_that_are_answered() {
    let config = Config { after_ms_max: 300, ..Config::default() };
    let Some(fixture) = Fixture::with(config, share("count(*)")).await else { return };
    let partition = fixture.partition;
    let watermark = async |generation: u32, position: i64| {
        let insert = "INSERT INTO kpi_cells (generation, row_kind, day, partition, position_to, version)";
        fixture
            .run(&format!("{insert} VALUES ({generation}, 'watermark', '1970-01-01', {partition}, {position}, {position})"))
            .await;
    };
    let asked = async || {
        let after = format!("{partition}-100");
        let kpi = fixture.get(&format!("/v1/kpis/share?after={after}")).await.0;
        let sql = reqwest::Client::new().post(format!("http://{}/v1/sql", fixture.address)).bearer_auth(ACME);
        let sql = sql.json(&serde_json::json!({ "sql": "SELECT 1 AS n", "after": after })).send().await.unwrap();
        (kpi, sql.status().as_u16())
    };
    watermark(1, 100).await;
    watermark(2, 50).await;
    assert_eq!(asked().await, (200, 200));
    fixture.generation(1, "retired", &share("count(*)")).await;
    fixture.generation(2, "live", &share("count(*)")).await;
    assert_eq!(asked().await, (504, 504));
    watermark(2, 100).await;
    assert_eq!(asked().await, (200, 200));
}

#[tokio::test]
async fn more_definitions_of_the_same_generation_are_noticed() {
    let Some(fixture) = Fixture::with(Config::default(), share("count(*)")).await else { return };
    assert_eq!(fixture.get("/v1/kpis/calls").await.0, 404);
    fixture.generation(1, "live", &Catalogue::shipped().unwrap()).await;
    assert_eq!(fixture.get("/v1/kpis/calls").await.0, 200);
    assert_eq!(fixture.get("/v1/kpis/share").await.0, 404);
}

#[tokio::test]
async fn a_kpi_that_is_being_measured_answers_503_in_its_partition_only() {
    let Some(fixture) = Fixture::empty().await else { return };
    let here = fixture.partition;
    fixture.run(&format!("INSERT INTO backfills VALUES (1, 'visits', {here}, 40), (1, 'calls', {}, 40)", here + 1)).await;
    fixture.run(&format!("INSERT INTO backfills VALUES (1, 'visits', {here}, 10)")).await;
    let url = format!("http://{}/v1/kpis/visits", fixture.address);
    let answer = reqwest::Client::new().get(url).bearer_auth(ACME).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["error"]["code"], "backfilling");
    let message = problem["error"]["message"].as_str().unwrap();
    assert!(message.contains("visits") && message.contains("40 %"), "{message}");
    assert_eq!(fixture.get("/v1/kpis/calls").await.0, 200);
    fixture.run(&format!("INSERT INTO backfills VALUES (1, 'visits', {here}, 100)")).await;
    assert_eq!(fixture.get("/v1/kpis/visits").await.0, 200);
}

#[tokio::test]
async fn without_numbers_or_with_those_of_another_program_there_is_no_answer() {
    let Some(fixture) = Fixture::empty().await else { return };
    let tenants = Tenants::parse("[tenant.acme]\ntime_zone = \"UTC\"\ncurrency = \"EUR\"").unwrap();
    let engine = Engine { datafusion: "0.1.0".to_owned(), ..Engine::of_this_program(1) };
    let foreign = Definitions::new(engine, &share("count(*)"), &tenants, &shipped_pipelines().unwrap()).unwrap();
    fixture.definitions(2, "live", &foreign).await;
    let (status, problem) = fixture.get("/v1/kpis/share").await;
    assert_eq!((status, problem["error"]["code"].as_str()), (503, Some("other_program")));
    assert!(problem["error"]["message"].as_str().unwrap().contains("DataFusion 0.1.0"), "{problem}");
    assert_eq!(fixture.get("/readyz").await.0, 503);
    fixture.run("TRUNCATE TABLE generations").await;
    let (status, problem) = fixture.get("/v1/freshness").await;
    assert_eq!((status, problem["error"]["code"].as_str()), (503, Some("no_numbers")));
}

#[tokio::test]
async fn what_the_files_have_otherwise_is_in_the_stamp() {
    let Some(fixture) = Fixture::empty().await else { return };
    let partition = fixture.partition;
    fixture.run(&format!("INSERT INTO heartbeats (generation, partition, position, end_position, copies, written_at, redefined) VALUES (1, {partition}, 5, 5, 1, now64(3), 'visits,tenant acme')")).await;
    let (_, freshness) = fixture.get("/v1/freshness").await;
    assert_eq!(freshness["redefined"], serde_json::json!(["visits", "tenant acme"]));
    let (_, table) = fixture.sql(OTHER, "SELECT redefined FROM freshness").await;
    assert_eq!(table["rows"].as_array().unwrap().len(), 1);
}
