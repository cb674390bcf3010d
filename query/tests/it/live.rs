//! `/v1/live` on rows that change. There is no Kafka here: what changed is found by looking, as it is while Kafka is away.

use std::time::Duration;

use serde_json::{Value, json};
use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::{
    events::{Events, Heard},
    fixture::{ACME, Fixture, OTHER},
};

const BY_REP: &str = "kpi=visits&grain=day&by=rep";

/// Numbers at position 1, looked at often.
async fn visits() -> Option<Fixture> {
    let config = Config { live_look_ms: 20, live_listeners_max: 4, live_kpis_max: 2, ..Config::default() };
    let fixture = Fixture::with(config, Catalogue::shipped().unwrap()).await?;
    fixture.cells_at(1, &format!("{}, {}", cell("A", 1, 1), cell("B", 1, 1))).await;
    Some(fixture)
}

/// So many visits of a rep on one day.
fn cell(rep: &str, visits: u32, version: u32) -> String {
    format!("('visits', '2026-01-05', '{rep}', '', '', {visits}, {visits}, 0, {version}, {})", u8::from(visits == 0))
}

impl Fixture {
    async fn listen(&self, key: &str, parameters: &str, seen: Option<&str>) -> Events {
        let url = format!("http://{}/v1/live?{parameters}", self.address);
        let request = reqwest::Client::new().get(url).bearer_auth(key);
        Events::open(match seen {
            Some(seen) => request.header("Last-Event-ID", seen),
            None => request,
        })
        .await
    }
}

fn row(rep: &str, value: &str) -> Value {
    json!({ "period": "2026-01-05", "rep": rep, "value": value })
}

/// Rows, removed rows and position.
fn said(heard: &Heard) -> (Value, Value, i64) {
    (heard.data["rows"].clone(), heard.data["removed"].clone(), heard.data["trust"]["position"].as_i64().unwrap())
}

#[tokio::test]
async fn first_everything_then_what_changes() {
    let Some(fixture) = visits().await else { return };
    let mut events = fixture.listen(ACME, BY_REP, None).await;
    let mut other = fixture.listen(OTHER, BY_REP, None).await;
    let values = events.next("values").await;
    let (_, answer) = fixture.get("/v1/kpis/visits?grain=day&by=rep").await;
    assert_eq!(values.data, answer);
    assert_eq!(values.id.as_deref(), Some(format!("{}-1@1", fixture.partition).as_str()));
    assert_eq!(other.next("values").await.data["rows"], json!([]));

    fixture.cells_at(2, &cell("B", 2, 2)).await;
    let changed = events.next("changed").await;
    assert_eq!((changed.data["kpi"].as_str(), said(&changed)), (Some("visits"), (json!([row("B", "2")]), json!([]), 2)));
    // Nothing of it, then something, and a row that ceases to exist.
    fixture.watermark(3).await;
    fixture.cells_at(4, &format!("{}, {}", cell("A", 0, 4), cell("C", 5, 4))).await;
    let changed = events.next("changed").await;
    let gone = json!([{ "period": "2026-01-05", "rep": "A" }]);
    assert_eq!(said(&changed), (json!([row("C", "5")]), gone, 4));
    assert_eq!(changed.id, Some(format!("{}-4@1", fixture.partition)));
    let quiet = tokio::time::timeout(Duration::from_millis(300), other.any()).await;
    assert!(quiet.is_err(), "another tenant's change was told: {quiet:?}");
}

#[tokio::test]
async fn who_comes_back_is_told_everything_or_nothing() {
    let Some(fixture) = visits().await else { return };
    let seen = fixture.listen(ACME, BY_REP, None).await.next("values").await.id.unwrap();
    let mut events = fixture.listen(ACME, BY_REP, Some(&seen)).await;
    assert_eq!(events.any().await.unwrap().name, "comment");
    fixture.cells_at(2, &cell("B", 2, 2)).await;
    assert_eq!(said(&events.next("changed").await).0, json!([row("B", "2")]));
    for before in [seen.as_str(), "nonsense", &format!("{}-2", fixture.partition), &format!("{}-2@7", fixture.partition)] {
        let mut events = fixture.listen(ACME, BY_REP, Some(before)).await;
        assert_eq!(events.next("values").await.data["rows"], json!([row("A", "1"), row("B", "2")]), "{before}");
    }
}

#[tokio::test]
async fn several_kpis_have_the_id_of_what_is_seen_of_all() {
    let Some(fixture) = visits().await else { return };
    let mut events = fixture.listen(ACME, "kpi=visits&kpi=calls", None).await;
    let (visits, calls) = (events.next("values").await, events.next("values").await);
    assert_eq!((visits.data["kpi"].as_str(), visits.id), (Some("visits"), None));
    assert_eq!((calls.data["kpi"].as_str(), calls.id), (Some("calls"), Some(format!("{}-1@1", fixture.partition))));
    fixture.cells_at(2, &cell("B", 2, 2).replace("visits", "calls")).await;
    let changed = events.next("changed").await;
    assert_eq!((changed.data["kpi"].as_str(), said(&changed).2), (Some("calls"), 2));
}

#[tokio::test]
async fn other_numbers_rosters_and_troubles() {
    let Some(fixture) = visits().await else { return };
    let mut events = fixture.listen(ACME, "kpi=visits&by=team", None).await;
    assert_eq!(events.next("values").await.data["rows"][0]["team"], "(none)");
    // A roster is in `fact_versions` before its position is reached.
    fixture.roster(2, &[["acme", "A", "2026-01-01", "", "Blue", ""]]).await;
    fixture.watermark(2).await;
    let (rows, _, position) = said(&events.next("changed").await);
    assert_eq!((rows[1]["team"].as_str(), rows[1]["value"].as_str(), position), (Some("Blue"), Some("1"), 2));

    fixture.run("RENAME TABLE kpi_cells TO hidden").await;
    fixture.roster(3, &[["acme", "B", "2026-01-01", "", "Blue", ""]]).await;
    let problem = events.next("problem").await;
    assert_eq!((problem.data["kpi"].as_str(), problem.data["error"]["code"].as_str()), (Some("visits"), Some("clickhouse")));
    assert!(!problem.data.to_string().contains("kpi_cells"), "{problem:?}");
    fixture.run("RENAME TABLE hidden TO kpi_cells").await;
    fixture.watermark(3).await;
    loop {
        // One that says no more than that it goes on may come before the one with position 3.
        let (rows, removed, position) = said(&events.next("changed").await);
        if position == 3 {
            assert_eq!((rows[0]["value"].as_str(), removed[0]["team"].as_str()), (Some("2"), Some("(none)")));
            break;
        }
        assert_eq!((rows, removed), (json!([]), json!([])));
    }

    fixture.generation(1, "retired", &Catalogue::shipped().unwrap()).await;
    fixture.generation(2, "live", &Catalogue::shipped().unwrap()).await;
    let values = events.next("values").await;
    assert_eq!((values.data["trust"]["generation"].as_i64(), &values.data["rows"]), (Some(2), &json!([])));
    fixture.generation(2, "retired", &Catalogue::shipped().unwrap()).await;
    fixture.generation(3, "live", &Catalogue::default()).await;
    assert_eq!(events.next("problem").await.data["error"]["code"], "unknown_kpi");
    assert_eq!(events.any().await, None, "it will never be answered");
}

#[tokio::test]
async fn who_may_not_listen_is_told_so_and_who_may_until_the_end() {
    let Some(fixture) = visits().await else { return };
    let refused = async |key: &str, parameters: &str| {
        let (status, problem) = fixture.get_as(key, &format!("/v1/live?{parameters}")).await;
        (status, problem["error"]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused("nobody", BY_REP).await, (401, "unknown_key".to_owned()));
    assert_eq!(refused(ACME, "kpi=vists").await, (404, "unknown_kpi".to_owned()));
    assert_eq!(refused(ACME, "kpi=visits&kpi=vists").await, (404, "unknown_kpi".to_owned()));
    for wrong in ["", "kpi=visits&grain=hour", "kpi=visits&after=3-1", "kpi=visits&kpi=calls&kpi=leads"] {
        assert_eq!(refused(ACME, wrong).await, (400, "parameter".to_owned()), "{wrong}");
    }
    let mut listeners = Vec::new();
    for _ in 0..4 {
        listeners.push(fixture.listen(ACME, BY_REP, None).await);
    }
    assert_eq!(refused(ACME, BY_REP).await, (429, "too_many_listeners".to_owned()));
    let metrics = reqwest::get(format!("http://{}/metrics", fixture.address)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("tidemark_query_live_listeners 4"), "{metrics}");
    listeners.pop();
    // A seat is free once the service has noticed.
    while refused_once(&fixture).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(fixture);
    for mut events in listeners {
        events.next("values").await;
        assert_eq!(events.any().await, None, "the service ends");
    }
}

async fn refused_once(fixture: &Fixture) -> bool {
    let url = format!("http://{}/v1/live?{BY_REP}", fixture.address);
    reqwest::Client::new().get(url).bearer_auth(ACME).send().await.unwrap().status() == 429
}
