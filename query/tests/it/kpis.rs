//! `/v1/kpis/{name}` on cells of every kind.

use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::fixture::{Fixture, OTHER};

/// Deals won and lost of two reps in three months, several versions of a cell among them.
async fn deals() -> Option<Fixture> {
    let fixture = Fixture::empty().await?;
    fixture.run("SYSTEM STOP MERGES kpi_cells").await;
    fixture
        .cells(
            "('win_rate', '2026-01-05', 'R-1', 'P', '', 3, 1, 3, 1, 0), ('win_rate', '2026-01-11', 'R-1', 'Q', '', 1, 1, 1, 2, 0), \
             ('win_rate', '2026-02-01', 'R-2', 'P', '', 2, 0, 2, 3, 0), ('win_rate', '2026-03-31', '', '', '', 1, 1, 1, 4, 0), \
             ('win_rate', '2026-03-31', 'R-2', 'P', '', 1, 1, 1, 4, 0)",
        )
        .await;
    // A newer version of one cell, a cell whose facts are all gone, and an older version that comes late.
    fixture.cells("('win_rate', '2026-01-05', 'R-1', 'P', '', 4, 2, 4, 9, 0), ('win_rate', '2026-03-31', 'R-2', 'P', '', 0, 0, 0, 9, 1)").await;
    fixture.cells("('win_rate', '2026-01-05', 'R-1', 'P', '', 9, 9, 9, 5, 0)").await;
    // Somebody else's, and another generation's.
    fixture.run("INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, facts, s0, s1, version) VALUES (1, 'other', 'cell', 'win_rate', '2026-01-05', 1, 1, 1, 1)").await;
    fixture.run("INSERT INTO kpi_cells (generation, tenant, row_kind, kpi, day, facts, s0, s1, version) VALUES (2, 'acme', 'cell', 'win_rate', '2026-01-05', 7, 7, 7, 1)").await;
    fixture
        .roster(
            1,
            &[
                ["acme", "R-1", "2026-01-01", "2026-01-11", "Blue", "East"],
                ["acme", "R-1", "2026-01-11", "", "Red", "East"],
                ["acme", "R-2", "2026-01-01", "2026-02-01", "Blue", "East"],
                ["other", "R-2", "2026-01-01", "", "Theirs", "Theirs"],
            ],
        )
        .await;
    fixture.watermark(41).await;
    fixture.watermark(42).await;
    Some(fixture)
}

#[tokio::test]
async fn grains_rollups_and_filters() {
    let Some(fixture) = deals().await else { return };
    let cases: [(&str, &[&str]); 15] = [
        ("win_rate", &["2026-01-05 0.5"]),
        ("win_rate?from=2026-01-01", &["2026-01-01 0.5"]),
        ("win_rate?grain=day", &["2026-01-05 0.5", "2026-01-11 1", "2026-02-01 0", "2026-03-31 1"]),
        ("win_rate?grain=week", &["2026-01-05 0.6", "2026-01-26 0", "2026-03-30 1"]),
        ("win_rate?grain=month", &["2026-01-01 0.6", "2026-02-01 0", "2026-03-01 1"]),
        ("win_rate?grain=quarter", &["2026-01-01 0.5"]),
        ("win_rate?grain=year&to=2026-01-10", &["2026-01-01 0.5"]),
        ("win_rate?by=rep", &["2026-01-05 rep=null 1", "2026-01-05 rep=R-1 0.6", "2026-01-05 rep=R-2 0"]),
        (
            "win_rate?by=product&grain=month",
            &["2026-01-01 product=P 0.5", "2026-01-01 product=Q 1", "2026-02-01 product=P 0", "2026-03-01 product=null 1"],
        ),
        // R-1 changes teams on the 11th; R-2 has left by February; nobody has no roster row.
        ("win_rate?by=team", &["2026-01-05 team=(none) 0.3333333333", "2026-01-05 team=Blue 0.5", "2026-01-05 team=Red 1"]),
        ("win_rate?by=department", &["2026-01-05 department=(none) 0.3333333333", "2026-01-05 department=East 0.6"]),
        ("win_rate?team=Red&team=Blue&grain=month", &["2026-01-01 0.6"]),
        ("win_rate?rep=R-2&rep=", &["2026-02-01 0.3333333333"]),
        ("win_rate?product=Q&by=rep", &["2026-01-11 rep=R-1 1"]),
        ("win_rate?from=2026-04-01&by=team", &[]),
    ];
    for (path, expected) in cases {
        assert_eq!(fixture.rows(path).await, expected, "{path}");
    }
    assert_eq!(
        fixture.rows("win_rate?by=team,rep,product&from=2026-01-11&to=2026-01-11").await,
        ["2026-01-11 product=Q rep=R-1 team=Red 1"]
    );
}

#[tokio::test]
async fn an_answer_says_its_position_and_shape() {
    let Some(fixture) = deals().await else { return };
    let (status, answer) = fixture.get("/v1/kpis/win_rate?grain=quarter").await;
    assert_eq!(status, 200);
    assert_eq!(
        (answer["kpi"].as_str(), answer["unit"].as_str(), answer["grain"].as_str()),
        (Some("win_rate"), Some("ratio"), Some("quarter"))
    );
    let trust = &answer["trust"];
    assert_eq!((trust["position"].as_i64(), trust["partition"].as_i64()), (Some(42), Some(fixture.partition.into())));
    assert_eq!(trust["token"], format!("{}-42", fixture.partition));
    assert_eq!((trust["generation"].as_i64(), trust["stale"].as_bool()), (Some(1), Some(true)));
    let (_, others) = fixture.get_as(OTHER, "/v1/kpis/win_rate").await;
    assert_eq!(others["rows"].as_array().unwrap().len(), 1);
    assert_eq!(others["trust"]["position"], serde_json::Value::Null);
    let (_, elsewhere) = fixture.get("/v1/kpis/visits").await;
    assert_eq!((elsewhere["rows"].as_array().unwrap().len(), elsewhere["trust"]["position"].as_i64()), (0, Some(42)));
}

#[tokio::test]
async fn multisets_give_exact_medians_distinct_counts_and_extremes() {
    let mut catalogue = Catalogue::shipped().unwrap();
    let file = r#"
title = { en = "Spread", zh = "跨度" }
about = "Longest less shortest visit."
unit = "minutes"
better = "neither"
from = "visits"
day = "occurred_on"
rep = "rep_id"
value = "max(duration_min) - min(duration_min)"
"#;
    catalogue.add("spread", file).unwrap();
    let Some(fixture) = Fixture::with(Config::default(), catalogue).await else { return };
    fixture.run("SYSTEM STOP MERGES kpi_cells").await;
    fixture
        .cells(
            "('sales_cycle', '2026-01-05', 'R-1', 'P', '', 3, 0, 0, 1, 0), ('sales_cycle', '2026-01-06', 'R-1', 'P', '', 3, 0, 0, 1, 0), \
             ('sales_cycle_p90', '2026-01-05', 'R-1', 'P', '', 3, 0, 0, 1, 0), \
             ('accounts_visited', '2026-01-05', 'R-1', '', '', 2, 0, 0, 1, 0), ('accounts_visited', '2026-01-06', 'R-2', '', '', 1, 0, 0, 1, 0), \
             ('spread', '2026-01-05', 'R-1', '', '', 2, 0, 0, 1, 0), ('spread', '2026-01-06', 'R-1', '', '', 1, 0, 0, 1, 0)",
        )
        .await;
    fixture
        .values(
            "('sales_cycle', '2026-01-05', 'R-1', 'P', '', 0, '', 1.5, 2, 1, 0), ('sales_cycle', '2026-01-05', 'R-1', 'P', '', 0, '', 3.000001, 1, 1, 0), \
             ('sales_cycle', '2026-01-06', 'R-1', 'P', '', 0, '', 10, 3, 1, 0), ('sales_cycle', '2026-01-06', 'R-1', 'P', '', 0, '', 99, 5, 1, 0), \
             ('sales_cycle', '2026-01-06', 'R-1', 'P', '', 0, '', 99, 0, 2, 1), \
             ('sales_cycle_p90', '2026-01-05', 'R-1', 'P', '', 0, '', -1, 1, 1, 0), ('sales_cycle_p90', '2026-01-05', 'R-1', 'P', '', 0, '', 0, 1, 1, 0), \
             ('sales_cycle_p90', '2026-01-05', 'R-1', 'P', '', 0, '', 1, 1, 1, 0), \
             ('accounts_visited', '2026-01-05', 'R-1', '', '', 0, 'A', 0, 1, 1, 0), ('accounts_visited', '2026-01-05', 'R-1', '', '', 0, 'B', 0, 1, 1, 0), \
             ('accounts_visited', '2026-01-06', 'R-2', '', '', 0, 'B', 0, 1, 1, 0), \
             ('spread', '2026-01-05', 'R-1', '', '', 0, '', 40, 1, 1, 0), ('spread', '2026-01-05', 'R-1', '', '', 1, '', 15, 1, 1, 0)",
        )
        .await;
    assert_eq!(fixture.rows("sales_cycle?grain=day").await, ["2026-01-05 1.5", "2026-01-06 10"]);
    // 1.5, 1.5, 3.000001, 10, 10, 10: the middle lies between two values.
    assert_eq!(fixture.rows("sales_cycle").await, ["2026-01-05 6.5000005"]);
    assert_eq!(fixture.rows("sales_cycle_p90").await, ["2026-01-05 0.8"]);
    assert_eq!(fixture.rows("accounts_visited?grain=day").await, ["2026-01-05 2", "2026-01-06 1"]);
    assert_eq!(fixture.rows("accounts_visited").await, ["2026-01-05 2"]);
    // A cell without a value: its facts exist, so it has a row, and the value is null.
    assert_eq!(fixture.rows("spread?grain=day").await, ["2026-01-05 25", "2026-01-06 null"]);
}

#[tokio::test]
async fn too_many_rows_are_refused_not_cut_off() {
    let Some(fixture) = Fixture::with(Config { rows_max: 2, ..Config::default() }, Catalogue::shipped().unwrap()).await else {
        return;
    };
    fixture
        .cells("('visits', '2026-01-01', 'R-1', '', '', 1, 1, 0, 1, 0), ('visits', '2026-01-02', 'R-1', '', '', 1, 1, 0, 1, 0)")
        .await;
    assert_eq!(fixture.rows("visits?grain=day").await.len(), 2);
    fixture.cells("('visits', '2026-01-03', 'R-1', '', '', 1, 1, 0, 1, 0)").await;
    fixture.watermark(7).await;
    let (status, answer) = fixture.get("/v1/kpis/visits?grain=day").await;
    assert_eq!((status, answer["error"]["code"].as_str()), (422, Some("too_many_rows")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("rows_max"), "{answer}");
}
