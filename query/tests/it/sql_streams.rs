//! `POST /v1/sql`: answers that are longer than memory, that are broken off, and that nobody reads to their end.

use std::time::{Duration, Instant};

use futures::StreamExt;
use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::{
    fixture::{ACME, Fixture},
    sql_forms::{ARROW, CSV, NDJSON, PARQUET, STREAMED, read},
};

/// One answer at a time, so that a turn that is kept is noticed.
fn one_turn() -> Config {
    Config { concurrent_max: 1, ..Config::default() }
}

async fn fixture(config: Config) -> Option<Fixture> {
    Fixture::with(config, Catalogue::shipped().unwrap()).await
}

/// Visits of which each with each other are 400 million rows.
async fn visits(fixture: &Fixture) {
    let insert = "INSERT INTO visits (generation, tenant, visit_id, occurred_at, occurred_on, recorded_at, recorded_on, version) \
                  SELECT 1, 'acme', toString(number), now64(3), today(), now64(3), today(), number FROM numbers(20000)";
    fixture.run(insert).await;
}

const EACH_WITH_EACH: &str = "SELECT a.visit_id AS one, b.visit_id AS other FROM visits a CROSS JOIN visits b";

/// Bytes that came, and whether that was all.
async fn received(answer: reqwest::Response) -> (Vec<u8>, bool) {
    let (mut bytes, mut chunks) = (Vec::new(), answer.bytes_stream());
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(_) => return (bytes, false),
        }
    }
    (bytes, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_arrive_whole() {
    let Some(fixture) = fixture(Config::default()).await else { return };
    let rows = 150_000;
    let question = format!("SELECT x FROM generate_series(1, {rows}) AS s(x)");
    for form in STREAMED {
        let answer = fixture.ask(ACME, &question, form).await;
        assert_eq!(answer.headers().get("content-length"), None, "{form}: nobody knows its length yet");
        let (body, is_whole) = received(answer).await;
        assert!(is_whole, "{form}");
        let mut found: Vec<u64> = read(form, &body, &["x"]).iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
        found.sort_unstable();
        assert!(found.iter().copied().eq(1..=rows), "{form}: {} rows", found.len());
    }
    let (status, problem) = fixture.sql(ACME, &question).await;
    assert_eq!((status, problem["error"]["code"].as_str()), (422, Some("too_many_rows")), "JSON is held whole: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_on_its_way_looks_like_no_success() {
    let Some(fixture) = fixture(one_turn()).await else { return };
    for form in [NDJSON, CSV, ARROW] {
        for question in [
            "SELECT 1 / (400000 - x) AS y FROM generate_series(1, 500000) AS s(x)",
            "SELECT CAST(CASE WHEN x = 400000 THEN 'many' ELSE '1' END AS INT) AS y FROM generate_series(1, 500000) AS s(x)",
        ] {
            let answer = fixture.ask(ACME, question, form).await;
            assert_eq!(answer.status(), 200, "{form}: its first rows are right");
            let (body, is_whole) = received(answer).await;
            assert!(!is_whole && !body.is_empty(), "{form}: {question}: {} bytes as if they were all", body.len());
        }
    }
    // The first bytes of Parquet are those of a million rows.
    let late = "SELECT x + 0 / (x - 1500000) AS y FROM generate_series(1, 2000000) AS s(x)";
    let answer = fixture.ask(ACME, late, PARQUET).await;
    assert_eq!(answer.status(), 200);
    assert!(!received(answer).await.1);
    let early = "SELECT x + 0 / (x - 500000) AS y FROM generate_series(1, 2000000) AS s(x)";
    assert_eq!(fixture.ask(ACME, early, PARQUET).await.status(), 400);
    assert_eq!(fixture.sql(ACME, "SELECT 1").await.0, 200, "no turn is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_question() {
    let Some(fixture) = fixture(one_turn()).await else { return };
    visits(&fixture).await;
    let running = "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query LIKE '%visits%' \
                   AND query NOT LIKE '%system.processes%'";
    let running = async || fixture.clickhouse.query(running).fetch_one::<u64>().await.unwrap();
    for form in [CSV, PARQUET] {
        let answer = fixture.ask(ACME, EACH_WITH_EACH, form).await;
        assert_eq!(answer.status(), 200);
        let mut chunks = answer.bytes_stream();
        assert!(!chunks.next().await.unwrap().unwrap().is_empty());
        assert_eq!(running().await, 1, "{form}: there is more to come");
        drop(chunks);
        let gone = Instant::now();
        assert_eq!(fixture.sql(ACME, "SELECT 1").await.0, 200, "{form}: its turn is somebody else's");
        while running().await > 0 {
            assert!(gone.elapsed() < Duration::from_secs(15), "{form}: ClickHouse goes on for nobody");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_of_streams_are_named_or_break_them_off() {
    let Some(fixture) = fixture(Config::default()).await else { return };
    visits(&fixture).await;
    let few = fixture.beside(Config { rows_streamed_max: 50_000, ..one_turn() }).await;
    let short = fixture.beside(Config { time_ms_max: 500, ..one_turn() }).await;
    for form in STREAMED {
        let within = few.ask(ACME, "SELECT visit_id FROM visits", form).await;
        assert_eq!(read(form, &received(within).await.0, &["visit_id"]).len(), 20_000, "{form}");
        let slow = short.ask(ACME, "SELECT count(*) AS n FROM visits a JOIN visits b ON a.visit_id <> b.visit_id", form).await;
        assert_eq!(slow.status(), 422, "{form}");
        let problem = slow.text().await.unwrap();
        assert!(problem.contains("too_slow") && problem.contains("time_ms_max"), "{form}: {problem}");
    }
    for (bounded, question) in [
        (&few, "SELECT x FROM generate_series(1, 1000000) AS s(x)"),
        (&short, "SELECT x FROM generate_series(1, 100000000000) AS s(x)"),
    ] {
        let (body, is_whole) = received(bounded.ask(ACME, question, CSV).await).await;
        assert!(!is_whole && body.starts_with(b"x\n"), "{question}");
        assert_eq!(bounded.sql(ACME, "SELECT 1").await.0, 200, "no turn is kept");
    }
    let none = fixture.beside(Config { rows_streamed_max: 5, ..Config::default() }).await;
    let refused = none.ask(ACME, "SELECT visit_id FROM visits", PARQUET).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("rows_streamed_max"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_keeps_its_turn_no_longer_than_an_answer_may_take() {
    let Some(fixture) = fixture(Config { time_ms_max: 1_000, ..one_turn() }).await else { return };
    let unread = fixture.ask(ACME, "SELECT x FROM generate_series(1, 100000000000) AS s(x)", CSV).await;
    assert_eq!(unread.status(), 200);
    let (status, next) = fixture.sql(ACME, "SELECT 1 AS one").await;
    assert!(status == 200 || status == 429, "{next}");
    assert_eq!(fixture.sql(ACME, "SELECT 1 AS one").await.0, 200);
    assert!(!received(unread).await.1, "its rest never comes");
}
