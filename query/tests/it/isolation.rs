//! Nobody sees another tenant's rows, whatever is asked: by name, by join, by set operation, by error message.

use crate::{
    clients,
    federation::filled,
    fixture::{ACME, OTHER},
};

/// What only the other tenant's rows, or another generation's, contain.
const FOREIGN: [&str; 4] = ["SECRET", "NEXT", "7777", "8888"];

#[tokio::test]
async fn every_table_holds_only_the_keys_own_rows() {
    let Some(fixture) = filled().await else { return };
    for question in [
        "SELECT * FROM deals",
        "SELECT * FROM tidemark.public.deals",
        "SELECT * FROM visits UNION ALL SELECT * FROM visits",
        "SELECT * FROM roster",
        "SELECT * FROM events",
        "SELECT * FROM dead_letters",
        "SELECT * FROM dead_letters WHERE source = 'SECRET' OR state <> 'replayed'",
        "SELECT l.*, e.* FROM dead_letters l FULL JOIN events e ON l.source = e.source",
        "SELECT * FROM deals d FULL JOIN visits v ON d.account_id = v.account_id",
        "SELECT * FROM deals WHERE true OR product = 'SECRET'",
        "SELECT * FROM deals WHERE NOT (product = 'P') OR product = 'SECRET' OR 1 = 1",
        "WITH deals AS (SELECT * FROM deals) SELECT * FROM deals",
        "SELECT max(product), max(amount), string_agg(product, ',') FROM deals WHERE amount < 10000",
        "SELECT (SELECT max(mode) FROM visits) AS m, (SELECT max(duration_min) FROM visits) AS d, (SELECT max(purpose) FROM visits) AS p",
        "SELECT * FROM deals d WHERE EXISTS (SELECT 1 FROM deals e WHERE e.product = 'SECRET') ",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.df_settings",
        "SELECT * FROM information_schema.views",
        "SELECT count(*), count(distinct product) FROM deals WHERE product IN ('SECRET', 'NEXT')",
        "SELECT * FROM deals GROUP BY ALL",
        "SELECT DISTINCT ON (product) product FROM deals ORDER BY product",
        "SELECT a.product FROM deals a, deals b, roster c WHERE c.team = 'SECRET' OR a.product = b.product",
        "SELECT * FROM kpis LEFT JOIN deals ON true WHERE kpis.name = 'visits'",
        "TABLE deals",
        "SELECT * REPLACE ('other' AS tenant) FROM deals",
    ] {
        let (status, answer) = fixture.sql(ACME, question).await;
        let without_question = answer["rows"].to_string();
        for foreign in FOREIGN {
            assert!(!without_question.contains(foreign), "{question}: {foreign} in {answer}");
        }
        assert!(status == 200 || status == 400, "{question}: {answer}");
    }
    let (_, count) = fixture.sql(OTHER, "SELECT count(*) AS n, max(product) AS p FROM deals").await;
    assert_eq!(count["rows"], serde_json::json!([{ "n": 1, "p": "SECRET" }]));
}

#[tokio::test]
async fn our_own_columns_and_tables_have_no_name() {
    let Some(fixture) = filled().await else { return };
    for question in [
        "SELECT tenant FROM deals",
        "SELECT deals.generation FROM deals",
        "SELECT version FROM deals",
        "SELECT is_deleted FROM deals",
        "SELECT tenant FROM events",
        "SELECT * FROM kpi_cells",
        "SELECT * FROM fact_versions",
        "SELECT * FROM heartbeats",
        "SELECT * FROM dead_marks",
        "SELECT tenant FROM dead_letters",
        "SELECT version FROM dead_letters",
        "SELECT * FROM system.tables",
        "SELECT * FROM url('http://127.0.0.1/', 'CSV')",
        "SELECT * FROM deals WHERE tenant = 'other'",
        "SELECT * EXCEPT (tenant) FROM deals",
    ] {
        let (status, answer) = fixture.sql(ACME, question).await;
        assert_eq!(status, 400, "{question}: {answer}");
        assert!(!FOREIGN.iter().any(|foreign| answer.to_string().contains(foreign)), "{question}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_door_shows_another_ones_rows() {
    let Some(fixture) = filled().await else { return };
    let mut program = clients::python("isolation");
    let ports = [fixture.postgres, fixture.flight].map(|door| door.port().to_string());
    program.args(["127.0.0.1", &ports[0], &ports[1], "acme", ACME, OTHER]);
    let ran = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    let [said, complained] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(ran.status.success() && said.lines().count() > 1, "{said}\n{complained}");
}
