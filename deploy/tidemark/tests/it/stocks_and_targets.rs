//! Stocks in business time, and targets beside what was reached, with other currencies, corrections and moments of the past.

use serde_json::{Value, json};

use crate::stack::{KEY, Stack};

fn event(kind: &str, id: &str, revision: u32, (rep, on): (&str, &str), data: Value) -> Value {
    json!({ "type": kind, "event_id": format!("{kind}:{id}"), "revision": revision, "account_id": "A-1", "rep_id": rep,
            "occurred_at": format!("{on}T10:00:00+08:00"), "data": data })
}

fn roster(rep: &str, team: &str) -> Value {
    let data = json!({ "rep_id": rep, "team": team, "department": "Sales", "valid_from": "2026-01-01" });
    event("roster.assigned", rep, 0, (rep, "2026-01-01"), data)
}

fn rate(on: &str, rate: &str) -> Value {
    event("rate.set", on, 0, ("R-1", on), json!({ "from": "EUR", "to": "CNY", "on": on, "rate": rate }))
}

fn target(unit: &str, id: Option<&str>, period: &str, kpi: &str, value: &str, revision: u32) -> Value {
    let data = json!({ "unit": unit, "id": id, "period": period, "kpi": kpi, "value": value });
    event("target.set", &format!("{unit}{id:?}{period}{kpi}"), revision, ("R-1", "2026-01-01"), data)
}

fn history() -> Value {
    let (one, two) = ("R-1", "R-2");
    json!([
        roster(one, "North"),
        roster(two, "South"),
        rate("2026-01-01", "7.5"),
        rate("2026-03-15", "8"),
        event("deal.opened", "D-1", 0, (one, "2026-01-10"), json!({ "deal_id": "D-1", "amount": "1000", "stage": "lead" })),
        event("deal.stage_changed", "D-1", 0, (one, "2026-02-20"), json!({ "deal_id": "D-1", "stage": "proposal" })),
        event("deal.won", "D-1", 0, (one, "2026-03-05"), json!({ "deal_id": "D-1", "amount": "1200", "currency": "CNY" })),
        event(
            "deal.opened",
            "D-2",
            0,
            (two, "2026-02-01"),
            json!({ "deal_id": "D-2", "amount": "100", "currency": "EUR", "stage": "lead" })
        ),
        event("deal.opened", "D-3", 0, (one, "2026-03-02"), json!({ "deal_id": "D-3", "amount": "5", "stage": "lead" })),
        event("deal.lost", "D-3", 0, (one, "2026-03-20"), json!({ "deal_id": "D-3" })),
        event(
            "payment.due",
            "P-1",
            0,
            (one, "2026-03-05"),
            json!({ "receivable_id": "P-1", "deal_id": "D-1", "amount": "1200", "due_on": "2026-04-01" })
        ),
        event(
            "payment.received",
            "M-1",
            0,
            (one, "2026-04-03"),
            json!({ "receivable_id": "P-1", "payment_id": "M-1", "amount": "500" })
        ),
        event(
            "payment.received",
            "M-2",
            0,
            (one, "2026-04-20"),
            json!({ "receivable_id": "P-1", "payment_id": "M-2", "amount": "700" })
        ),
        target("rep", Some(one), "2026-03", "won_amount", "2400", 0),
        target("rep", Some(two), "2026-03", "won_amount", "100", 0),
        target("team", Some("North"), "2026-Q1", "deals_won", "4", 0),
        target("department", Some("Sales"), "2026", "win_rate", "0.25", 0),
        target("company", None, "2026", "won_amount", "0", 0),
        target("company", None, "2026-W10", "deals_won", "1", 0),
    ])
}

async fn rows(stack: &Stack, sql: &str, as_of: Option<&str>) -> Value {
    let answer = match as_of {
        Some(moment) => stack.sql_as_of(KEY, sql, moment).await,
        None => stack.sql_as(KEY, sql).await,
    };
    answer["rows"].clone()
}

const ATTAINED: &str =
    "SELECT unit, unit_id, period, kpi, target, value, attainment FROM attainment ORDER BY unit, unit_id, period, kpi";

/// A row of `attainment`, decimals with all their places.
fn attained((unit, id): (&str, Option<&str>), period: &str, kpi: &str, numbers: [Option<&str>; 3]) -> Value {
    let [target, value, attainment] = numbers.map(|text| {
        text.map(|text| {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            format!("{whole}.{fraction:0<10}")
        })
    });
    json!({ "unit": unit, "unit_id": id, "period": period, "kpi": kpi, "target": target, "value": value, "attainment": attainment })
}

#[tokio::test(flavor = "multi_thread")]
async fn stocks_are_of_a_day_and_targets_stand_beside_what_was_reached() {
    let stack = Stack::start();
    let position = stack.post(&history()).await;
    stack.get(&format!("/v1/kpis/won_amount?after={position}")).await;

    let open = "SELECT deal_id, team, stage, currency, amount, amount_converted FROM open_pipeline(DATE '{}') ORDER BY deal_id";
    let open = |day: &str| open.replace("{}", day);
    let deal = |id: &str, team: &str, stage: &str, [currency, amount, converted]: [&str; 3]| {
        let (amount, converted) = (format!("{amount}.000000"), format!("{converted}.000000000000"));
        json!({ "deal_id": id, "team": team, "stage": stage, "currency": currency, "amount": amount, "amount_converted": converted })
    };
    for (day, deals) in [
        ("2026-01-09", json!([])),
        ("2026-01-31", json!([deal("D-1", "North", "lead", ["CNY", "1200", "1200"])])),
        (
            "2026-03-04",
            json!([
                deal("D-1", "North", "proposal", ["CNY", "1200", "1200"]),
                deal("D-2", "South", "lead", ["EUR", "100", "750"]),
                deal("D-3", "North", "lead", ["CNY", "5", "5"]),
            ]),
        ),
        (
            "2026-03-19",
            json!([deal("D-2", "South", "lead", ["EUR", "100", "800"]), deal("D-3", "North", "lead", ["CNY", "5", "5"])]),
        ),
        ("2026-03-31", json!([deal("D-2", "South", "lead", ["EUR", "100", "800"])])),
    ] {
        assert_eq!(rows(&stack, &open(day), None).await, deals, "{day}");
        assert_eq!(rows(&stack, &open(day), Some(&position)).await, deals, "{day} as of {position}");
    }
    for (day, owed) in [
        ("2026-04-01", json!([])),
        ("2026-04-02", json!([{ "days": 1, "overdue": "1200.000000" }])),
        ("2026-04-19", json!([{ "days": 18, "overdue": "700.000000" }])),
        ("2026-04-20", json!([])),
    ] {
        let sql = format!("SELECT days, overdue FROM overdue('{day}')");
        assert_eq!(rows(&stack, &sql, None).await, owed, "{day}");
    }

    // Every fact's money in the company's currency, by the rate of its own day.
    let converted = "SELECT deal_id AS id, converted_on, amount, amount_converted FROM deals_converted
                     UNION ALL SELECT payment_id, converted_on, amount, amount_converted FROM payments_converted ORDER BY id";
    let fact = |id: &str, on: &str, amount: &str, converted: &str| {
        let (amount, converted) = (format!("{amount}.000000"), format!("{converted}.000000000000"));
        json!({ "id": id, "converted_on": on, "amount": amount, "amount_converted": converted })
    };
    let facts = json!([
        fact("D-1", "2026-03-05", "1200", "1200"),
        fact("D-2", "2026-02-01", "100", "750"),
        fact("D-3", "2026-03-20", "5", "5"),
        fact("M-1", "2026-04-03", "500", "500"),
        fact("M-2", "2026-04-20", "700", "700"),
    ]);
    assert_eq!(rows(&stack, converted, None).await, facts);
    assert_eq!(rows(&stack, converted, Some(&position)).await, facts, "as of {position}");

    let asked = stack.get(&format!("/v1/stocks/open_pipeline?at=2026-03-04&by=team,stage&as_of={position}")).await;
    let group = |team: &str, stage: &str, count: u32, amount: &str| json!({ "team": team, "stage": stage, "count": count, "amount": amount });
    let groups = [
        group("North", "lead", 1, "5.000000000000"),
        group("North", "proposal", 1, "1200.000000000000"),
        group("South", "lead", 1, "750.000000000000"),
    ];
    assert_eq!(asked["rows"], json!(groups));
    assert_eq!(asked["trust"]["token"], json!(position));
    let owed = stack.get("/v1/stocks/overdue?at=2026-04-19").await;
    assert_eq!(owed["rows"], json!([{ "count": 1, "amount": "700.000000000000" }]));
    let none = stack.get("/v1/stocks/overdue?at=2026-04-01").await;
    assert_eq!(none["rows"], json!([{ "count": 0, "amount": "0.000000000000" }]));

    let (one, two) = (("rep", Some("R-1")), ("rep", Some("R-2")));
    let (company, sales, north) = (("company", None), ("department", Some("Sales")), ("team", Some("North")));
    let expected = json!([
        attained(company, "2026", "won_amount", [Some("0"), Some("1200"), None]),
        attained(company, "2026-W10", "deals_won", [Some("1"), Some("1"), Some("1")]),
        attained(sales, "2026", "win_rate", [Some("0.25"), Some("0.5"), Some("2")]),
        attained(one, "2026-03", "won_amount", [Some("2400"), Some("1200"), Some("0.5")]),
        attained(two, "2026-03", "won_amount", [Some("100"), Some("0"), Some("0")]),
        attained(north, "2026-Q1", "deals_won", [Some("4"), Some("1"), Some("0.25")]),
    ]);
    assert_eq!(rows(&stack, ATTAINED, None).await, expected);

    // A target and a deal are corrected; as it was, it still is.
    let corrected = json!([
        target("rep", Some("R-1"), "2026-03", "won_amount", "1800", 1),
        event("deal.won", "D-1", 1, ("R-1", "2026-03-05"), json!({ "deal_id": "D-1", "amount": "600", "currency": "CNY" })),
    ]);
    let later = stack.post(&corrected).await;
    stack.get(&format!("/v1/kpis/won_amount?after={later}")).await;
    let now = rows(&stack, ATTAINED, None).await;
    assert_eq!(now[3], attained(one, "2026-03", "won_amount", [Some("1800"), Some("600"), Some("0.3333333333")]));
    assert_eq!(rows(&stack, ATTAINED, Some(&position)).await, expected);
}
