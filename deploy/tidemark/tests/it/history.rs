//! Numbers as they were answered, and why they are what they are: answers are recorded with their stamps of trust while a history
//! with duplicates, corrections, moves and retractions runs, and asked for again when it is over.

use std::collections::BTreeMap;
use std::process::Stdio;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::stack::{KEY, Stack, tidemark};

const EVENTS: &str = "3000";
const EVENTS_A_SECOND: &str = "150";
/// Ways to ask for a KPI: whole, by periods, by whom.
const WAYS: [&str; 5] =
    ["", "?grain=month", "?grain=week&by=rep", "?grain=quarter&by=team", "?grain=year&by=department&team=North&team=(none)"];

/// The numbers of an answer, without when they were answered.
fn numbers(answer: &Value) -> Value {
    json!({ "rows": answer["rows"], "missing_rates": answer["missing_rates"] })
}

fn token(answer: &Value) -> String {
    answer["trust"]["token"].as_str().unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
}

/// A path with one more parameter.
fn with(path: &str, parameter: &str) -> String {
    format!("{path}{}{parameter}", if path.contains('?') { '&' } else { '?' })
}

/// 10^-12 of a decimal text.
fn exact(text: &Value) -> i128 {
    let text = text.as_str().unwrap_or_else(|| panic!("{text} is no decimal"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<12}").parse().unwrap()
}

/// Units, rates, and deals in another currency, whose corrections move amount, day, owner and existence.
fn moves(round: usize) -> Value {
    let day = |day: usize| format!("2026-03-{:02}", 1 + day % 28);
    let deal = |id: &str, kind: &str, revision: usize, data: Value| {
        json!({ "type": kind, "event_id": format!("{id}:{kind}"), "revision": revision, "account_id": format!("A-{id}"), "rep_id": format!("R-{}", round % 3),
                "occurred_at": format!("{}T09:30:00+08:00", day(round)), "data": data })
    };
    let (team, currency) = (["North", "South"][round % 2], ["EUR", "CNY", "USD"][round % 3]);
    let id = format!("M-{round}");
    let before = format!("M-{}", round.saturating_sub(2));
    json!([
        { "type": "roster.assigned", "event_id": format!("roster-{round}"), "occurred_at": "2026-01-01T00:00:00+08:00",
          "data": { "rep_id": format!("R-{}", round % 3), "team": team, "department": "Sales", "valid_from": day(round * 3) } },
        { "type": "rate.set", "event_id": "rate-eur", "revision": round, "occurred_at": "2026-01-01T00:00:00+08:00",
          "data": { "from": "EUR", "to": "CNY", "on": "2026-01-01", "rate": format!("7.{}", 1 + round) } },
        deal(&id, "deal.opened", 0, json!({ "deal_id": id, "stage": "proposal" })),
        deal(&id, "deal.won", 0, json!({ "deal_id": id, "amount": format!("{}.5", 100 + round), "currency": currency })),
        deal(&before, "deal.won", 1 + round, json!({ "deal_id": before, "amount": format!("{}", 900 + round), "currency": "EUR" })),
    ])
}

/// What was answered, by the path that was asked and the position it was answered at.
struct Recorded(Vec<(String, String, Value)>);

impl Recorded {
    async fn record(&mut self, stack: &Stack, kpis: &[String]) {
        for (place, kpi) in kpis.iter().enumerate() {
            let path = format!("/v1/kpis/{kpi}{}", WAYS[(place + self.0.len()) % WAYS.len()]);
            let answer = stack.get(&path).await;
            if answer["trust"]["token"].is_string() {
                self.0.push((path, token(&answer), numbers(&answer)));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_answered_again_and_every_number_is_explained() {
    let stack = Stack::start();
    let kpis: Vec<String> = stack.get("/v1/kpis").await["kpis"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kpi| kpi["name"].as_str().unwrap().to_owned())
        .collect();
    let mut simulate = tidemark();
    simulate.args(["simulate", "--url", &stack.ingest(), "--key", KEY, "--events", EVENTS, "--rate", EVENTS_A_SECOND]);
    let mut simulate = simulate.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut recorded = Recorded(Vec::new());
    let mut round = 0;
    while simulate.try_wait().unwrap().is_none() || round < 4 {
        stack.post(&moves(round)).await;
        recorded.record(&stack, &kpis).await;
        round += 1;
    }
    assert!(simulate.wait().unwrap().success());
    let retraction = json!({
        "type": "deal.won", "event_id": "M-1:deal.won", "revision": 99, "retracted": true, "occurred_at": "2026-03-30T00:00:00+08:00"
    });
    let first = token(&stack.get(&format!("/v1/kpis/won_amount?after={}", stack.post(&moves(round)).await)).await);
    let instant = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let then = numbers(&stack.get("/v1/kpis/won_amount?grain=month&by=team").await);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let last = token(&stack.get(&format!("/v1/kpis/won_amount?after={}", stack.post(&retraction).await)).await);
    recorded.record(&stack, &kpis).await;

    let positions: std::collections::BTreeSet<&String> = recorded.0.iter().map(|(_, token, _)| token).collect();
    assert!(positions.len() > 5, "the numbers were meant to move while they were recorded: {positions:?}");
    for (path, token, answered) in &recorded.0 {
        let again = stack.get(&with(path, &format!("as_of={token}"))).await;
        assert_eq!(&numbers(&again), answered, "{path} as of {token}");
        assert_eq!(&again["trust"]["token"], token);
    }
    let again = stack.get(&format!("/v1/kpis/won_amount?grain=month&by=team&as_of={instant}")).await;
    assert_eq!(numbers(&again), then, "as of {instant}");

    for kpi in &kpis {
        explained(&stack, kpi, &last).await;
        moved(&stack, kpi, &first, &last).await;
    }
    wire(&stack, &recorded, &last).await;
    teams_are_the_company(&stack).await;
}

/// Numbers that add up, add up to the same at every level, though reps have moved between teams meanwhile.
async fn teams_are_the_company(stack: &Stack) {
    let sql = "SELECT v.kpi, v.period, count(DISTINCT v.level) AS levels, count(DISTINCT v.total) AS totals, bool_or(v.unknown) AS unknown \
               FROM (SELECT kpi, period, level, sum(value) AS total, bool_or(value IS NULL) AS unknown FROM kpi_monthly \
                     WHERE NOT is_split GROUP BY kpi, period, level) v \
               JOIN kpis ON kpis.name = v.kpi \
               WHERE kpis.value = 'count(*)' OR (kpis.value LIKE 'sum(%' AND kpis.value NOT LIKE '%/%') \
               GROUP BY v.kpi, v.period";
    let answer = stack.sql_as(KEY, sql).await;
    let rows = answer["rows"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let compared = rows.iter().filter(|row| row["unknown"] == false);
    for row in compared.clone() {
        assert_eq!((&row["levels"], &row["totals"]), (&json!(5), &json!(1)), "{row}");
    }
    assert!(compared.count() > 20, "{answer}");
}

/// What an explanation shows adds up to the number.
async fn explained(stack: &Stack, kpi: &str, at: &str) {
    let number = stack.get(&format!("/v1/kpis/{kpi}?as_of={at}")).await;
    let number = number["rows"].get(0).map_or(&Value::Null, |row| &row["value"]);
    for limit in [0, 7, 1000] {
        let why = stack.get(&format!("/v1/explain?kpi={kpi}&as_of={at}&limit={limit}")).await;
        assert_eq!(&why["value"], number, "{kpi}: {why}");
        assert!(why["arithmetic"].as_str().unwrap().ends_with(&format!("= {}", number.as_str().unwrap_or("NULL"))), "{why}");
        let facts = why["facts"].as_array().unwrap();
        let others = why["others"]["facts"].as_u64().unwrap_or(0);
        assert_eq!(facts.len() as u64 + others, why["facts_counted"].as_u64().unwrap(), "{kpi}");
        for (place, slot) in why["slots"].as_array().unwrap().iter().enumerate() {
            let sql = slot["sql"].as_str().unwrap();
            if sql.starts_with("sum(") || (sql.starts_with("count(") && !sql.contains("DISTINCT")) {
                let shown: i128 = facts.iter().map(|fact| exact(&fact["adds"][place])).sum();
                let rest = why["others"]["slots"].get(place).map_or(0, exact);
                assert_eq!(shown + rest, exact(&slot["total"]), "{kpi} {sql}");
            }
        }
        for fact in facts {
            let events = fact["events"].as_array().unwrap();
            assert!(!events.is_empty() && !fact["changes"].as_array().unwrap().is_empty(), "{fact}");
            let cause = |change: &Value| events.iter().any(|event| event["position"] == change["position"]);
            assert!(fact["changes"].as_array().unwrap().iter().all(cause), "{fact}");
        }
    }
}

/// What `changes_between` names is the difference between the two moments.
async fn moved(stack: &Stack, kpi: &str, before: &str, after: &str) {
    let sql = format!(
        "SELECT slot, slot_sql, coalesce(sum(amount_after), 0) - coalesce(sum(amount_before), 0) AS moved \
         FROM changes_between('{kpi}', '{before}', '{after}') GROUP BY slot, slot_sql ORDER BY slot"
    );
    let moved: BTreeMap<u64, i128> = {
        let rows = stack.sql_as(KEY, &sql).await;
        rows["rows"].as_array().unwrap().iter().map(|row| (row["slot"].as_u64().unwrap(), exact(&row["moved"]))).collect()
    };
    let totals = |moment: String| async move {
        stack.get(&format!("/v1/explain?kpi={kpi}&as_of={moment}&limit=0")).await["slots"].clone()
    };
    let (was, is) = (totals(before.to_owned()).await, totals(after.to_owned()).await);
    for (place, slot) in is.as_array().unwrap().iter().enumerate() {
        let sql = slot["sql"].as_str().unwrap();
        if sql.starts_with("sum(") || (sql.starts_with("count(") && !sql.contains("DISTINCT")) {
            let difference = exact(&slot["total"]) - exact(&was[place]["total"]);
            assert_eq!(moved.get(&(place as u64)).copied().unwrap_or(0), difference, "{kpi} {sql}");
        }
    }
}

/// The same moments by SQL: facts, events and KPI values.
async fn wire(stack: &Stack, recorded: &Recorded, at: &str) {
    let ask = |as_of: String| async move {
        let sql = "SELECT (SELECT count(*) FROM events) AS events, (SELECT sum(amount) FROM deals WHERE status = 'won') AS won, \
                   (SELECT value FROM kpi_yearly WHERE kpi = 'deals_won' AND level = 'company' AND NOT is_split AND period = DATE '2026-01-01') AS deals";
        stack.sql_as_of(KEY, sql, &as_of).await["rows"][0].clone()
    };
    let whole = ask(at.to_owned()).await;
    let offset: u64 = at.split('-').nth(1).unwrap().parse().unwrap();
    assert_eq!(whole["events"].as_u64().unwrap(), offset + 1, "{whole}");
    let (_, earlier, _) = recorded.0.iter().find(|(path, ..)| path.contains("deals_won")).unwrap();
    let part = ask(earlier.clone()).await;
    let offset: u64 = earlier.split('-').nth(1).unwrap().parse().unwrap();
    assert_eq!(part["events"].as_u64().unwrap(), offset + 1, "{part}");
    assert_ne!(part, whole);
}
