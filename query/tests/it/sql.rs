//! `POST /v1/sql`: answers as JSON, bounds, errors.

use serde_json::json;
use tidemark_query::Config;
use tidemark_schemas::kpi::Catalogue;

use crate::{
    federation::filled,
    fixture::{ACME, Fixture},
};

#[tokio::test]
async fn rows_come_as_json_with_their_trust() {
    let Some(fixture) = filled().await else { return };
    fixture.watermark(23).await;
    let question = "SELECT deal_id, amount, closed_on, opened_at, product, status = 'won' AS won, cycle_ms FROM deals WHERE deal_id IN ('D-02', 'D-04') ORDER BY deal_id";
    let (status, answer) = fixture.sql(ACME, question).await;
    assert_eq!(status, 200);
    assert_eq!(
        answer["rows"],
        json!([
            { "deal_id": "D-02", "amount": "200.250000", "closed_on": "2026-01-20", "opened_at": "2026-01-02T09:30:00Z", "product": "P", "won": true, "cycle_ms": 1_557_000_000_i64 },
            { "deal_id": "D-04", "amount": null, "closed_on": "2026-03-01", "opened_at": "2026-02-01T23:59:59.999Z", "product": null, "won": false, "cycle_ms": 2_376_000_001_i64 },
        ])
    );
    assert_eq!(answer["columns"][1], json!({ "name": "amount", "type": "Decimal128(38, 6)" }));
    assert_eq!(answer["trust"]["position"], 23);
}

#[tokio::test]
async fn tables_and_columns_can_be_found() {
    let Some(fixture) = filled().await else { return };
    let (_, tables) = fixture
        .sql(ACME, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name")
        .await;
    let tables: Vec<&str> = tables["rows"].as_array().unwrap().iter().map(|row| row["table_name"].as_str().unwrap()).collect();
    for table in ["deals", "events", "freshness", "kpis", "roster", "visits"] {
        assert!(tables.contains(&table), "{tables:?}");
    }
    let (_, columns) = fixture.sql(ACME, "SELECT column_name FROM information_schema.columns WHERE table_name = 'deals'").await;
    let columns = columns["rows"].to_string();
    assert!(columns.contains("closed_on") && !columns.contains("tenant") && !columns.contains("generation"), "{columns}");
    let (_, kpi) = fixture.sql(ACME, "SELECT unit, dims FROM kpis WHERE name = 'win_rate'").await;
    assert_eq!(kpi["rows"], json!([{ "unit": "ratio", "dims": "product" }]));
    fixture.watermark(5).await;
    fixture.heartbeat(5, 7).await;
    let (_, fresh) = fixture.sql(ACME, "SELECT position, behind, stale FROM freshness").await;
    assert_eq!(fresh["rows"], json!([{ "position": 5, "behind": 2, "stale": false }]));
}

#[tokio::test]
async fn errors_say_what_is_wrong() {
    let Some(fixture) = filled().await else { return };
    for (question, status, code, said) in [
        ("SELECT amout FROM deals", 400, "sql", "amout"),
        ("SELECT * FROM deal", 400, "sql", "deal"),
        ("SELEC 1", 400, "sql", "SELEC"),
        ("SELECT 1 / 0", 400, "sql", "Divide by zero"),
        ("SELECT duration_min / 0 FROM visits", 400, "sql", "Divide by zero"),
        ("DELETE FROM deals", 400, "sql", "only a question"),
        ("SELECT a.deal_id, b.deal_id FROM deals a JOIN deals b ON a.deal_id = b.deal_id", 400, "body", "AS"),
        ("", 400, "sql", ""),
    ] {
        let (found, problem) = fixture.sql(ACME, question).await;
        assert_eq!((found, problem["error"]["code"].as_str()), (status, Some(code)), "{question}: {problem}");
        assert!(problem["error"]["message"].as_str().unwrap().contains(said), "{question}: {problem}");
    }
    let post = |body: &'static str| {
        let request = reqwest::Client::new().post(format!("http://{}/v1/sql", fixture.address)).bearer_auth(ACME);
        async move { request.body(body).send().await.unwrap() }
    };
    assert_eq!(post("{\"sq\": \"SELECT 1\"}").await.status(), 400);
    assert_eq!(post("SELECT 1").await.status(), 400);
    assert_eq!(post("{\"sql\": \"SELECT 1\", \"after\": \"x\"}").await.status(), 400);
    let later = format!("{{\"sql\": \"SELECT 1\", \"after\": \"{}-0\"}}", fixture.partition);
    fixture.watermark(0).await;
    assert_eq!(post(later.leak()).await.status(), 200);
}

#[tokio::test]
async fn errors_say_where() {
    let Some(fixture) = filled().await else { return };
    for (question, line, column) in [
        ("SELEC 1", 1, 1),
        ("SELECT 1\nFROM deals\n  WHER x", 3, 8),
        ("SELECT 'text that does not end", 1, 8),
        ("SELECT deal_id,\n       amout FROM deals", 2, 8),
        ("SELECT d.amout FROM deals d", 1, 8),
        ("SELECT 产品, 1 FROM deals", 1, 8),
        ("SELECT '产品', amout FROM deals", 1, 14),
        ("SELECT * FROM deals\nJOIN deal ON true", 2, 6),
        ("SELECT summ(amount) FROM deals", 1, 8),
        ("SELECT deal_id FROM deals a, deals b", 1, 8),
        ("SELECT count(*), product FROM deals", 1, 18),
        ("WITH x AS (SELECT amout FROM deals) SELECT * FROM x", 1, 19),
    ] {
        let (status, problem) = fixture.sql(ACME, question).await;
        assert_eq!(status, 400, "{question}: {problem}");
        assert_eq!(problem["error"]["position"], json!({ "line": line, "column": column }), "{question}: {problem}");
    }
    for question in ["SELECT", "SELECT 1 / 0", "SELECT CAST('at Line: 1, Column: 2' AS INT)", "DELETE FROM deals"] {
        let (status, problem) = fixture.sql(ACME, question).await;
        assert_eq!((status, problem["error"].get("position")), (400, None), "{question}: nothing to point at: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn monstrous_questions_end_nobody() {
    let Some(fixture) = filled().await else { return };
    let chain: Vec<String> = (0..600).map(|n| format!("deal_id = 'D-{n:02}'")).collect();
    let nested = (0..150).fold("deals".to_owned(), |inner, n| format!("(SELECT * FROM {inner}) AS t{n}"));
    let sums: Vec<String> = (0..600).map(|n| format!("cycle_ms + {n}")).collect();
    for question in [
        format!("SELECT count(*) FROM deals WHERE {}", chain.join(" OR ")),
        format!("SELECT count(*) FROM deals WHERE {}deal_id = 'x'{}", "(".repeat(2_000), ")".repeat(2_000)),
        format!("SELECT count(*) FROM deals WHERE {} deal_id = 'x'", "NOT ".repeat(2_000)),
        format!("SELECT count(*) FROM {nested}"),
        format!("SELECT {} FROM deals", sums.join(" + ")),
        format!("SELECT count(*) FROM deals WHERE deal_id IN ({})", vec!["'D-02'"; 5_000].join(", ")),
        vec!["SELECT deal_id FROM deals"; 50].join(" UNION ALL "),
    ] {
        let (status, answer) = fixture.sql(ACME, &question).await;
        assert!(status == 200 || status == 400 || status == 422, "{}…: {answer}", &question[..80]);
    }
    let (status, answer) = fixture.sql(ACME, &format!("SELECT 1{}", " + 1".repeat(10_000))).await;
    assert_eq!((status, answer["error"]["code"].as_str()), (422, Some("too_many_tokens")), "{answer}");
    assert_eq!(fixture.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn bounds_are_named() {
    let config = Config { rows_max: 5, body_bytes_max: 2_000, memory_bytes_max: 8 << 20, ..Config::default() };
    let Some(fixture) = filled().await else { return };
    let bounded = fixture.beside(config).await;
    let long = format!("SELECT '{}'", "x".repeat(2_000));
    for (question, status, bound) in [
        ("SELECT deal_id FROM deals", 422, "rows_max"),
        ("SELECT deal_id FROM deals LIMIT 5", 200, ""),
        (long.as_str(), 413, "body_bytes_max"),
        (
            "SELECT a.deal_id, row_number() OVER (ORDER BY a.data) FROM (SELECT deal_id, repeat(deal_id, 1000000) AS data FROM deals) a LIMIT 1",
            422,
            "memory_bytes_max",
        ),
    ] {
        let (found, problem) = bounded.sql(ACME, question).await;
        assert_eq!(found, status, "{question}: {problem}");
        assert!(status == 200 || problem["error"]["message"].as_str().unwrap().contains(bound), "{problem}");
    }
}

/// What DataFusion alone answers otherwise than PostgreSQL.
#[tokio::test]
async fn sql_is_postgresqls() {
    let Some(fixture) = filled().await else { return };
    let at = "TIMESTAMPTZ '2026-01-31 16:30:00Z'";
    for (expression, answer) in [
        (format!("{at} AT TIME ZONE 'Asia/Shanghai'"), json!("2026-02-01T00:30:00")),
        (format!("date_trunc('day', {at} AT TIME ZONE 'Asia/Shanghai')"), json!("2026-02-01T00:00:00")),
        (
            format!("date_trunc('month', {at} AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'"),
            json!("2026-01-31T16:00:00Z"),
        ),
        ("TIMESTAMP '2026-03-29 08:00' AT TIME ZONE 'Europe/Berlin'".to_owned(), json!("2026-03-29T06:00:00Z")),
        ("16777217::float".to_owned(), json!(16_777_217.0)),
        ("CAST(0.1 AS FLOAT)".to_owned(), json!(0.1)),
        ("1.0 / 3".to_owned(), json!("0.333333333333")),
        ("2 / 3.0".to_owned(), json!("0.666666666666")),
        ("7 / 2".to_owned(), json!(3)),
        ("DATE '2026-01-31' + 3 * INTERVAL '1 month'".to_owned(), json!("2026-04-30")),
        ("CAST(INTERVAL '1 day 2 hours' * 3 = INTERVAL '3 days 6 hours' AS boolean)".to_owned(), json!(true)),
        ("CAST(INTERVAL '15 minutes' * floor(31 / 15) = INTERVAL '30 minutes' AS boolean)".to_owned(), json!(true)),
        ("CAST(1.5 * INTERVAL '1 month 1 day 2 hours' = INTERVAL '1 month 16 days 15 hours' AS boolean)".to_owned(), json!(true)),
        ("'D-12' SIMILAR TO 'D-(1|2)_'".to_owned(), json!(true)),
        ("'D-123' SIMILAR TO 'D-(1|2)_'".to_owned(), json!(false)),
        ("'D.1' SIMILAR TO 'D.%' AND 'Dx1' NOT SIMILAR TO 'D.%'".to_owned(), json!(true)),
        ("EXISTS (SELECT 1 FROM deals WHERE deal_id = 'D-02')".to_owned(), json!(true)),
        ("NOT EXISTS (SELECT * FROM deals WHERE deal_id = 'D-02')".to_owned(), json!(false)),
        ("mod(7, 4)".to_owned(), json!(3)),
        ("DATE '2026-01-31' + INTERVAL '6 hours'".to_owned(), json!("2026-01-31T06:00:00")),
        ("DATE '2026-01-31' - INTERVAL '1 day'".to_owned(), json!("2026-01-30")),
        ("extract(second FROM TIMESTAMP '2026-05-06 07:08:09.5')".to_owned(), json!("9.500000000000")),
        ("CAST(DATE '2026-01-31' AS varchar(7))".to_owned(), json!("2026-01")),
        ("(SELECT avg(CASE WHEN n = 1 THEN 1.0 ELSE 0 END) FROM (VALUES (1), (2), (3)) AS t(n))".to_owned(), json!("0.333333333333")),
        (
            "(SELECT string_agg(DISTINCT v, ';' ORDER BY v) || string_agg(v, ',' ORDER BY v DESC) FROM (VALUES ('b'), ('a'), (NULL), ('b')) AS t(v))".to_owned(),
            json!("a;bb,b,a"),
        ),
        ("2.5::int".to_owned(), json!(3)),
        ("CAST(-2.7 AS bigint)".to_owned(), json!(-3)),
        ("2.5::float8::int".to_owned(), json!(2)),
        ("'12'::int + 3::smallint".to_owned(), json!(15)),
        ("2147483646::int + 1::smallint".to_owned(), json!(2_147_483_647_i64)),
        ("2147483647::int * 3".to_owned(), json!(6_442_450_941_i64)),
        (format!("to_char({at}, 'YYYY-MM-DD HH24:MI')"), json!("2026-01-31 16:30")),
    ] {
        let (status, answer_of) = fixture.sql(ACME, &format!("SELECT {expression} AS x")).await;
        assert_eq!((status, &answer_of["rows"][0]["x"]), (200, &answer), "{expression}: {answer_of}");
    }
    let with_and_without = "SELECT d.deal_id, EXISTS (SELECT 1 FROM deals AS o WHERE o.deal_id = d.deal_id AND o.status = 'won') AS x \
                            FROM deals AS d WHERE deal_id IN ('D-02', 'D-04') ORDER BY 1 FETCH FIRST 2 ROWS ONLY";
    let (_, answer) = fixture.sql(ACME, with_and_without).await;
    assert_eq!(answer["rows"], json!([{ "deal_id": "D-02", "x": true }, { "deal_id": "D-04", "x": false }]));
    // Of columns that are called the same.
    for (condition, count) in [
        ("amount > ANY (SELECT amount FROM deals WHERE amount IS NOT NULL)", "count(*) FILTER (WHERE amount > low)"),
        ("amount >= ALL (SELECT amount FROM deals WHERE amount IS NOT NULL)", "count(*) FILTER (WHERE amount = high)"),
        (
            "amount = ANY (SELECT amount FROM deals AS x WHERE x.status = 'won')",
            "count(DISTINCT amount) FILTER (WHERE status = 'won')",
        ),
    ] {
        let found = format!("SELECT count(DISTINCT amount) AS n FROM deals WHERE {condition}");
        let counted = format!(
            "SELECT {} AS n FROM deals, (SELECT min(amount) AS low, max(amount) AS high FROM deals) AS m",
            count.replace("count(*)", "count(DISTINCT amount)")
        );
        let (found, counted) = (fixture.sql(ACME, &found).await.1, fixture.sql(ACME, &counted).await.1);
        assert!(found["rows"][0]["n"].as_i64().unwrap() > 0, "{condition}: {found}");
        assert_eq!(found["rows"], counted["rows"], "{condition}");
    }
    for (question, why) in [
        ("SELECT * FROM deals TABLESAMPLE SYSTEM (10)", "TABLESAMPLE"),
        ("SELECT now() AT TIME ZONE 'Asia/Nowhere'", "Asia/Nowhere"),
        ("SELECT 7 AT TIME ZONE 'Asia/Shanghai'", "AT TIME ZONE"),
        ("SELECT INTERVAL '1 month' * 3000000000", "too long"),
        ("SELECT deal_id FROM deals EXCEPT ALL SELECT deal_id FROM deals", "EXCEPT ALL"),
        ("SELECT 2147483647::int + 1::int", "2147483648"),
        ("SELECT 300::smallint * 300::smallint", "90000"),
    ] {
        let (status, problem) = fixture.sql(ACME, question).await;
        assert_eq!(status, 400, "{question}: {problem}");
        assert!(problem["error"]["message"].as_str().unwrap().contains(why), "{question}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_much_of_little_asks_for_memory_first() {
    let Some(fixture) = filled().await else { return };
    let bounded = fixture.beside(Config { memory_bytes_max: 64 << 20, ..Config::default() }).await;
    // Each would take gigabytes, or all that there is and more.
    for expression in [
        "length(repeat('x', 2000000000))",
        "length(repeat(CAST(x AS text), 1000000))",
        "length(repeat(arrow_cast(CAST(x AS text), 'LargeUtf8'), 1000000))",
        "length(lpad('x', 2000000000))",
        "length(lpad(CAST(x AS text), 2000000))",
        "length(rpad(CAST(x AS text), 2000000, 'ab'))",
        "length(replace(repeat('x', 1000000), 'x', repeat('y', 1000000)))",
        "length(regexp_replace(repeat('x', 1000000), 'x', repeat('y', 1000000), 'g'))",
        "cardinality(array_repeat(x, 100000000000))",
        "cardinality(list_repeat('a', 100000000000))",
        "cardinality(array_resize([x], 100000000000))",
        "length(array_to_string(range(1, 10000), repeat('x', 1000000)))",
        "cardinality(range(1000000000000))",
        "cardinality(range(x, 1000000000000))",
        "cardinality(generate_series(1000000000000, 1, -1))",
        "cardinality(range(DATE '0001-01-01', DATE '9999-01-01' + x, INTERVAL '1 day'))",
        "cardinality(generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-12-31', INTERVAL '1 microsecond'))",
        "cardinality(generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-12-31', INTERVAL '1 month -30 days'))",
    ] {
        let question = format!("SELECT max({expression}) AS n FROM generate_series(1, 8192) AS t(x)");
        let (status, problem) = bounded.sql(ACME, &question).await;
        assert_eq!((status, problem["error"]["code"].as_str()), (422, Some("memory")), "{question}: {problem}");
    }
    let ordinary = "SELECT repeat('ab', 3) AS a, lpad('7', 3, '0') AS b, replace('a-b', '-', '+') AS c, \
                    regexp_replace('a1b2', '[0-9]', '#', 'g') AS d, array_to_string(range(1, 4), ',') AS e, \
                    cardinality(generate_series(DATE '2026-01-01', DATE '2026-12-31', INTERVAL '1 day')) AS f, \
                    cardinality(range(5, 1)) AS g, repeat(NULL, 1000000000000) AS h, cardinality(array_repeat(NULL, 3)) AS i, \
                    rpad('x', -1) AS j, cardinality(array_resize([1], 2)) AS k";
    let (status, answer) = bounded.sql(ACME, ordinary).await;
    assert_eq!(
        (status, &answer["rows"][0]),
        (
            200,
            &json!({
                "a": "ababab", "b": "007", "c": "a+b", "d": "a#b#", "e": "1,2,3", "f": 365, "g": 0, "h": null, "i": 3, "j": "", "k": 2
            })
        ),
        "{answer}"
    );
    let many = "SELECT sum(length(repeat(CAST(x AS text), 100))) AS n FROM generate_series(1, 100000) AS t(x)";
    assert_eq!(bounded.sql(ACME, many).await.1["rows"][0]["n"], 48_889_500);
}

#[tokio::test]
async fn what_takes_too_long_ends() {
    let config = Config { time_ms_max: 300, ..Config::default() };
    let Some(fixture) = Fixture::with(config, Catalogue::shipped().unwrap()).await else { return };
    let insert = "INSERT INTO visits (generation, tenant, visit_id, occurred_at, occurred_on, recorded_at, recorded_on, version) \
                  SELECT 1, 'acme', toString(number), now64(3), today(), now64(3), today(), number FROM numbers(20000)";
    fixture.run(insert).await;
    let (status, problem) = fixture.sql(ACME, "SELECT count(*) FROM visits a JOIN visits b ON a.visit_id <> b.visit_id").await;
    assert_eq!((status, problem["error"]["code"].as_str()), (422, Some("too_slow")), "{problem}");
    assert!(problem["error"]["message"].as_str().unwrap().contains("time_ms_max"), "{problem}");
    assert_eq!(fixture.get("/healthz").await.0, 200);
}
