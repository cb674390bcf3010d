//! Every door: keys, paths, methods, health, metrics and the OpenAPI document.

use std::time::{Duration, Instant};

use tidemark_query::Config;

use crate::fixture::{ACME, Fixture};

#[tokio::test]
async fn only_a_known_key_opens() {
    let Some(fixture) = Fixture::empty().await else { return };
    let asked = fixture.ask("nobody", "SELECT 1", "application/json").await;
    assert_eq!(asked.status(), 401);
    for path in ["/v1/kpis", "/v1/kpis/visits", "/v1/live?kpi=visits", "/v1/freshness"] {
        let url = format!("http://{}{path}", fixture.address);
        let missing = reqwest::get(&url).await.unwrap();
        assert_eq!(missing.status(), 401, "{path}");
        assert!(missing.text().await.unwrap().contains("missing_key"));
        let (status, unknown) = fixture.get_as("nobody", path).await;
        assert_eq!((status, unknown["error"]["code"].as_str()), (401, Some("unknown_key")), "{path}");
        let basic = reqwest::Client::new().get(&url).basic_auth(ACME, Some("")).send().await.unwrap();
        assert_eq!(basic.status(), 401);
    }
}

#[tokio::test]
async fn errors_name_what_there_is() {
    let Some(fixture) = Fixture::empty().await else { return };
    for (path, status, said) in [
        ("/v1/kpis/vists", 404, "accounts_visited"),
        ("/v1/kpis/visits?form=2026-01-01", 400, "there are from, to, grain"),
        ("/v1/kpis/visits?from=yesterday", 400, "2026-03-31"),
        ("/v1/kpi", 404, "/openapi.json"),
    ] {
        let (found, problem) = fixture.get(path).await;
        assert_eq!(found, status, "{path}: {problem}");
        assert!(problem["error"]["message"].as_str().unwrap().contains(said), "{path}: {problem}");
    }
    let posted = reqwest::Client::new().post(format!("http://{}/v1/kpis", fixture.address)).header("x-request-id", "dash-1");
    let posted = posted.send().await.unwrap();
    assert_eq!((posted.status().as_u16(), posted.headers()["x-request-id"].to_str().unwrap()), (405, "dash-1"));
    assert!(posted.text().await.unwrap().contains("\"request_id\":\"dash-1\""));
    let odd = reqwest::Client::new().get(format!("http://{}/v1/kpis", fixture.address)).header("x-request-id", "a b");
    let odd = odd.send().await.unwrap();
    assert_eq!(odd.headers()["x-request-id"].len(), 32, "one is made where none can be used");
}

#[tokio::test]
async fn the_catalogue_health_metrics_and_the_document() {
    let Some(fixture) = Fixture::empty().await else { return };
    let (_, list) = fixture.get("/v1/kpis").await;
    let win_rate = list["kpis"].as_array().unwrap().iter().find(|kpi| kpi["name"] == "win_rate").unwrap();
    assert_eq!((win_rate["unit"].as_str(), win_rate["dims"][0].as_str()), (Some("ratio"), Some("product")));
    let (status, waiting) = fixture.get("/readyz").await;
    assert_eq!(status, 503, "nobody has recorded the steps yet: {waiting}");
    fixture.run("INSERT INTO schema_steps SELECT number, '', '', now64(3) FROM numbers(100)").await;
    assert_eq!(fixture.get("/readyz").await.0, 200);
    assert_eq!(fixture.get("/healthz").await.0, 200);
    let (_, document) = fixture.get("/openapi.json").await;
    assert!(document["paths"]["/v1/kpis/{name}"]["get"].is_object());
    let metrics = reqwest::get(format!("http://{}/metrics", fixture.address)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tidemark_query_requests_total{route=\"/v1/kpis\",status=\"200\"} 1"), "{metrics}");
}

#[tokio::test]
async fn without_the_engine_it_says_so_and_lives() {
    let Some(fixture) = Fixture::empty().await else { return };
    let database: String = fixture.clickhouse.query("SELECT currentDatabase()").fetch_one().await.unwrap();
    fixture.run(&format!("DROP DATABASE {database}")).await;
    let (status, problem) = fixture.get("/v1/kpis/visits").await;
    assert_eq!((status, problem["error"]["code"].as_str()), (503, Some("clickhouse")));
    assert!(!problem.to_string().contains("kpi_cells"), "{problem}");
    assert_eq!(fixture.get("/healthz").await.0, 200);
}

/// For the default of 3 s instead of a tenth of one this is below 5 s.
const SILENCE_TOLD_WITHIN: Duration = Duration::from_millis(2_000 + 100 + 1_000);

#[tokio::test]
async fn a_silent_engine_is_told_soon_and_with_what_to_do() {
    let (fixture, _silent) = Fixture::silent(Config { silent_after_ms: 100, ..Config::default() }).await;
    let after = format!("/v1/kpis/visits?after={}-5", fixture.partition);
    let ask = async |path: &str| {
        let (asked, url) = (Instant::now(), format!("http://{}{path}", fixture.address));
        let answer = reqwest::Client::new().get(url).bearer_auth(ACME).send().await.unwrap();
        let told = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
        let problem: serde_json::Value = answer.json().await.unwrap();
        let message = problem["error"]["message"].as_str().unwrap();
        assert!(told == (503, true) && message.starts_with("ClickHouse does not answer"), "{path}: {told:?} {problem}");
        assert!(message.contains("Try again"), "{message}");
        assert!(asked.elapsed() < SILENCE_TOLD_WITHIN, "{path}: {:?}", asked.elapsed());
    };
    tokio::join!(ask("/v1/freshness"), ask("/v1/kpis"), ask("/v1/kpis/visits"), ask(&after));
    let sql = fixture.ask(ACME, "SELECT 1", "application/json").await;
    assert_eq!(sql.status(), 503, "{sql:?}");
}
