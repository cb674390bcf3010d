//! The stamp of trust, `/v1/freshness`, and waiting for one's own writes.

use std::time::{Duration, Instant};

use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::fixture::{ACME, Fixture, OTHER};

#[tokio::test]
async fn freshness_tells_how_far_and_what_is_missing() {
    let Some(fixture) = Fixture::empty().await else { return };
    let (status, before) = fixture.get("/v1/freshness").await;
    assert_eq!((status, before["stale"].as_bool(), before["position"].as_i64()), (200, Some(true), None));
    fixture.watermark(10).await;
    fixture.heartbeat(10, 15).await;
    fixture
        .run(
            "INSERT INTO findings (generation, tenant, kind, subject, detail, version, is_deleted) VALUES \
             (1, 'acme', 'incomplete', 'deal D-1', 'never opened', 3, 0), (1, 'acme', 'incomplete', 'deal D-2', 'never opened', 3, 0), \
             (1, 'acme', 'incomplete', 'deal D-3', 'never opened', 3, 0), (1, 'acme', 'other_currency', 'payment P-1', 'EUR on CNY', 4, 0), \
             (1, 'other', 'incomplete', 'deal X', 'theirs', 3, 0)",
        )
        .await;
    fixture.run("INSERT INTO findings (generation, tenant, kind, subject, detail, version, is_deleted) VALUES (1, 'acme', 'incomplete', 'deal D-3', '', 5, 1)").await;
    let (_, now) = fixture.get("/v1/freshness").await;
    assert_eq!((now["position"].as_i64(), now["end_position"].as_i64(), now["behind"].as_i64()), (Some(10), Some(15), Some(5)));
    assert_eq!((now["stale"].as_bool(), now["incomplete"].as_i64(), now["findings"].as_i64()), (Some(false), Some(2), Some(1)));
    let kinds: Vec<(&str, u64)> = now["not_counted"].as_array().unwrap().iter().map(kind).collect();
    assert_eq!(kinds, [("incomplete", 2), ("other_currency", 1)], "{now}");
    assert!(now.to_string().contains("deal D-1") && !now.to_string().contains("theirs"), "{now}");
    let (_, answer) = fixture.get("/v1/kpis/visits").await;
    assert_eq!((answer["trust"]["incomplete"].as_i64(), answer["trust"]["findings"].as_i64()), (Some(2), Some(1)));
    assert_eq!(answer["trust"]["position"], 10, "the numbers' own position");
}

fn kind(finding: &serde_json::Value) -> (&str, u64) {
    (finding["kind"].as_str().unwrap(), finding["found"].as_u64().unwrap())
}

#[tokio::test]
async fn a_partition_that_waits_for_an_operator_says_why() {
    let Some(fixture) = Fixture::empty().await else { return };
    let partition = fixture.partition;
    let beat = async |stalled: &str| {
        fixture.run(&format!("INSERT INTO heartbeats (generation, partition, position, end_position, copies, written_at, stalled) VALUES (1, {partition}, 5, 9, 1, now64(3), '{stalled}')")).await;
    };
    let reason = "position 3-6: unknown schema id 4711; the partition waits until tidemark is upgraded";
    beat(reason).await;
    let (_, now) = fixture.get("/v1/freshness").await;
    assert_eq!((now["stalled"].as_str(), now["behind"].as_i64(), now["stale"].as_bool()), (Some(reason), Some(4), Some(false)));
    let (_, answer) = fixture.get("/v1/kpis/visits").await;
    assert_eq!(answer["trust"]["stalled"], reason, "every number says so: {answer}");
    let (_, row) = fixture.sql(ACME, "SELECT stalled, behind FROM freshness").await;
    assert_eq!(row["rows"][0], serde_json::json!({ "stalled": reason, "behind": 4 }), "{row}");
    beat("").await;
    let (_, now) = fixture.get("/v1/freshness").await;
    assert_eq!(now.get("stalled"), None, "mended: {now}");
    let (_, row) = fixture.sql(ACME, "SELECT stalled FROM freshness").await;
    assert_eq!(row["rows"][0]["stalled"], serde_json::Value::Null, "{row}");
}

#[tokio::test]
async fn after_waits_for_the_write_and_gives_up_in_time() {
    let config = Config { after_ms_max: 1_500, ..Config::default() };
    let Some(fixture) = Fixture::with(config, Catalogue::shipped().unwrap()).await else { return };
    let (partition, elsewhere) = (fixture.partition, (fixture.partition + 1) % 8);
    fixture.watermark(5).await;
    let (status, _) = fixture.get(&format!("/v1/kpis/visits?after={partition}-5")).await;
    assert_eq!(status, 200);

    let started = Instant::now();
    let (status, late) = fixture.get(&format!("/v1/kpis/visits?after={partition}-6")).await;
    assert_eq!((status, late["error"]["code"].as_str()), (504, Some("not_yet")), "{late}");
    assert!(late["error"]["message"].as_str().unwrap().contains("after_ms_max"), "{late}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let late = reqwest::Client::new().get(format!("http://{}/v1/kpis/visits?after={partition}-6", fixture.address));
    assert!(late.bearer_auth(ACME).send().await.unwrap().headers().contains_key("retry-after"), "as with every 503");

    let path = format!("/v1/kpis/visits?after={partition}-6");
    let (answered, ()) = tokio::join!(fixture.get(&path), fixture.watermark(6));
    assert_eq!(answered.0, 200, "{}", answered.1);

    let (status, wrong) = fixture.get(&format!("/v1/kpis/visits?after={elsewhere}-1")).await;
    assert_eq!((status, wrong["error"]["field"].as_str()), (400, Some("after")), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_their_position_are_always_of_one_moment() {
    let Some(fixture) = Fixture::empty().await else { return };
    let partition = fixture.partition;
    let write = async {
        for n in 1..=60 {
            // As the projector does: the cells and the watermark of a batch are rows of one block.
            fixture
                .run(&format!(
                    "INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, rep_id, partition, facts, s0, position_to, version) VALUES \
                     (1, 'acme', 'cell', 'visits', '2026-01-05', 'R-1', 0, {n}, {n}, 0, {n}), \
                     (1, 'acme', 'cell', 'visits', '2026-01-06', 'R-2', 0, {n}, {n}, 0, {n}), \
                     (1, '', 'watermark', '', '1970-01-01', '', {partition}, 0, 0, {n}, {n})"
                ))
                .await;
        }
    };
    let read = async {
        let mut seen = 0;
        while seen < 60 {
            let (_, answer) = fixture.get("/v1/kpis/visits?grain=month").await;
            let value = answer["rows"][0]["value"].as_str().map_or(0, |value| value.parse::<i64>().unwrap());
            let position = answer["trust"]["position"].as_i64().unwrap_or(0);
            assert_eq!(value, 2 * position, "{answer}");
            assert!(position >= seen, "the position went back from {seen} to {position}");
            seen = position;
        }
    };
    tokio::join!(write, read);
}

#[tokio::test]
async fn dead_letters_are_counted_or_unknown_but_never_made_up() {
    let Some(fixture) = Fixture::empty().await else { return };
    let partition = fixture.partition;
    let insert = "INSERT INTO dead_letters (tenant, id, source, state, reason, times, first_at, last_at, version) VALUES ";
    let mark = async |complete_at: &str| {
        fixture.run(&format!("INSERT INTO dead_marks VALUES ({partition}, 5, {complete_at}, now64(3))")).await;
    };
    let count = async || fixture.get("/v1/freshness").await.1["dead_letters"].clone();
    fixture.run(&format!("{insert} ('acme', 'a', 'crm', 'pending', 'empty', 1, now64(3), now64(3), 1)")).await;
    assert_eq!(count().await, serde_json::Value::Null, "nobody has read the topic");
    mark("NULL").await;
    assert_eq!(count().await, serde_json::Value::Null, "somebody is reading it");
    mark("now64(3)").await;
    assert_eq!(count().await, 1);
    let more = "('acme', 'b', 'crm', 'pending', 'empty', 2, now64(3), now64(3), 2), ('other', 'a', 'crm', 'pending', 'empty', 1, now64(3), now64(3), 3)";
    fixture.run(&format!("{insert} {more}")).await;
    fixture.run(&format!("{insert} ('acme', 'a', 'crm', 'dropped', 'empty', 1, now64(3), now64(3), 4)")).await;
    mark("now64(3)").await;
    assert_eq!(count().await, 1, "b; a was dropped, and the other is not ours");
    let (_, answer) = fixture.get("/v1/kpis/visits").await;
    assert_eq!(answer["trust"]["dead_letters"], 1, "{answer}");
    let (_, row) = fixture.sql(ACME, "SELECT dead_letters FROM freshness").await;
    assert_eq!(row["rows"][0]["dead_letters"], 1, "{row}");
    let (_, theirs) = fixture.sql(OTHER, "SELECT count(*) AS n FROM dead_letters").await;
    assert_eq!(theirs["rows"][0]["n"], 1, "{theirs}");
    mark("now64(3) - INTERVAL 10 SECOND").await;
    assert_eq!(count().await, serde_json::Value::Null, "too old to be believed");
    let (_, row) = fixture.sql(ACME, "SELECT dead_letters FROM freshness").await;
    assert_eq!(row["rows"][0]["dead_letters"], serde_json::Value::Null, "{row}");
}
