//! `POST /v1/sql`: values in the place of `$1` and so on.

use serde_json::{Value, json};

use crate::{
    federation::filled,
    fixture::{ACME, Fixture, OTHER},
};

async fn ask(fixture: &Fixture, sql: &str, parameters: &Value) -> (u16, Value) {
    let answer = fixture.post_sql(ACME, &json!({ "sql": sql, "parameters": parameters }), "application/json").await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn values_are_values() {
    let Some(with) = filled().await else { return };
    let without = with.beside(tidemark_query::Config { federation: false, ..tidemark_query::Config::default() }).await;
    let quoted = r#"it's 100% "Q"_\x"#;
    for (sql, parameters, ids) in [
        ("SELECT deal_id FROM deals WHERE product = $1", json!([quoted]), json!(["D-06"])),
        ("SELECT deal_id FROM deals WHERE product = $1 OR true", json!(["' OR '1' = '1"]), json!(null)),
        ("SELECT deal_id FROM deals WHERE product = $1", json!(["' OR '1' = '1"]), json!([])),
        ("SELECT deal_id FROM deals WHERE product = $1", json!(["产品"]), json!(["D-07"])),
        ("SELECT deal_id FROM deals WHERE amount = $1", json!([200.25]), json!(["D-02"])),
        ("SELECT deal_id FROM deals WHERE amount = $1", json!([1e-6]), json!(["D-07"])),
        (
            "SELECT deal_id FROM deals WHERE amount > $2 AND status = $1 AND amount < $3",
            json!(["won", 250, 1e3]),
            json!(["D-03"]),
        ),
        (
            "SELECT deal_id FROM deals WHERE opened_on BETWEEN $1 AND $2",
            json!(["2026-01-03", "2026-01-31"]),
            json!(["D-03", "D-10"]),
        ),
        ("SELECT deal_id FROM deals WHERE opened_at = $1", json!(["2026-02-01T23:59:59.999Z"]), json!(["D-04"])),
        ("SELECT deal_id FROM deals WHERE (product IS NULL) = $1", json!([true]), json!(["D-04"])),
        ("SELECT deal_id FROM deals WHERE product = $1", json!([null]), json!([])),
        ("SELECT deal_id FROM deals WHERE coalesce($1, product) = 'Q' ORDER BY deal_id", json!([null]), json!(["D-03", "D-10"])),
        ("SELECT deal_id FROM deals WHERE deal_id IN ($1, $2, $1)", json!(["D-01", "D-02"]), json!(["D-01", "D-02"])),
        ("SELECT deal_id FROM deals ORDER BY deal_id LIMIT $1 OFFSET $2", json!([1, 2]), json!(["D-03"])),
        (
            "SELECT d.deal_id FROM deals d WHERE EXISTS (SELECT 1 FROM visits v WHERE v.account_id = d.account_id AND v.mode = $1)",
            json!(["online"]),
            json!(["D-01", "D-02"]),
        ),
    ] {
        for fixture in [&with, &without] {
            let (status, answer) = ask(fixture, sql, &parameters).await;
            assert_eq!(status, 200, "{sql} {parameters}: {answer}");
            let mut found: Vec<&str> =
                answer["rows"].as_array().unwrap().iter().map(|row| row["deal_id"].as_str().unwrap()).collect();
            found.sort_unstable();
            assert!(ids.is_null() || json!(found) == ids, "{sql} {parameters}: {answer}");
        }
    }
}

#[tokio::test]
async fn values_can_be_answered() {
    let Some(fixture) = filled().await else { return };
    let sql = "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, $6 || '!' AS f";
    let (status, answer) = ask(&fixture, sql, &json!(["it's", -7, 0.10, true, null, "x"])).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["rows"], json!([{ "a": "it's", "b": -7, "c": "0.1", "d": true, "e": null, "f": "x!" }]));
    let csv = fixture.post_sql(ACME, &json!({ "sql": "SELECT $1 AS a", "parameters": ["a,\"b\"\n"] }), "text/csv").await;
    assert_eq!(csv.text().await.unwrap(), "a\n\"a,\"\"b\"\"\n\"\n");
}

#[tokio::test]
async fn places_and_values_must_agree() {
    let Some(fixture) = filled().await else { return };
    for (sql, parameters, field) in [
        ("SELECT $1 AS a", json!([]), Some("parameters")),
        ("SELECT $2 AS a", json!([1]), Some("parameters")),
        ("SELECT 1 AS a", json!([1]), Some("parameters")),
        ("SELECT '$1' AS a", json!([1]), Some("parameters")),
        ("SELECT $1 AS a", json!([[1, 2]]), Some("parameters")),
        ("SELECT $1 AS a", json!([{ "x": 1 }]), Some("parameters")),
        ("SELECT $0 AS a", json!([]), None),
        ("SELECT $a AS a", json!([]), None),
        ("SELECT $18446744073709551615 AS a", json!([1]), Some("parameters")),
        ("SELECT deal_id FROM $1", json!(["deals"]), None),
        ("SELECT deal_id FROM deals WHERE opened_on = $1", json!(["yesterday"]), None),
    ] {
        let (status, problem) = ask(&fixture, sql, &parameters).await;
        assert_eq!((status, problem["error"]["field"].as_str()), (400, field), "{sql} {parameters}: {problem}");
    }
    let long = format!("{{\"sql\": \"SELECT $1 AS a\", \"parameters\": [0.{}]}}", "1".repeat(39));
    let long = serde_json::from_str(&long).unwrap();
    let refused = fixture.post_sql(ACME, &long, "application/json").await;
    assert_eq!(refused.status(), 400, "{}", refused.text().await.unwrap());
}

#[tokio::test]
async fn no_value_leads_to_another_tenant() {
    let Some(fixture) = filled().await else { return };
    for value in ["other", "SECRET", "' OR tenant = 'other", "deals; SELECT 1"] {
        let (_, answer) = ask(&fixture, "SELECT * FROM deals WHERE product = $1 OR deal_id = $1", &json!([value])).await;
        assert_eq!(answer["rows"], json!([]), "{value}: {answer}");
    }
    let theirs = json!({ "sql": "SELECT product FROM deals WHERE product = $1", "parameters": ["SECRET"] });
    let theirs: Value = fixture.post_sql(OTHER, &theirs, "application/json").await.json().await.unwrap();
    assert_eq!(theirs["rows"], json!([{ "product": "SECRET" }]));
}
