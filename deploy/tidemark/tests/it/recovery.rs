//! `kill -9` at bad moments: the numbers afterwards are the ones that a plain sum over the events gives.

use serde_json::{Value, json};

use crate::stack::Stack;

const ROUNDS: i64 = 6;
const DEALS_PER_ROUND: i64 = 40;

/// Deals of one round: each opened and won, every fourth corrected to another amount, everything sent twice.
fn events_of(round: i64) -> Vec<Value> {
    let first = round * DEALS_PER_ROUND;
    let deals = (first..first + DEALS_PER_ROUND).flat_map(|deal| {
        let envelope = |kind: &str, revision: i64, data: Value| {
            json!({
                "type": format!("deal.{kind}"), "event_id": format!("D-{deal}:{kind}"), "revision": revision, "data": data,
                "account_id": format!("A-{}", deal % 7), "rep_id": format!("R-{}", deal % 3), "occurred_at": "2026-03-05T10:00:00+08:00",
            })
        };
        let id = format!("D-{deal}");
        let won = |revision, amount: i64| envelope("won", revision, json!({ "deal_id": id, "amount": amount.to_string() }));
        let opened = envelope("opened", 0, json!({ "deal_id": id, "kind": "new", "amount": "1", "currency": "CNY", "stage": "Prospecting" }));
        let mut events = vec![won(0, 100 + deal), opened];
        if deal % 4 == 0 {
            events.push(won(1, 5_000));
        }
        events
    });
    let once: Vec<Value> = deals.collect();
    [once.clone(), once].concat()
}

/// Won by each rep, in whole yuan.
fn expected() -> [i64; 3] {
    let mut won = [0; 3];
    for deal in 0..ROUNDS * DEALS_PER_ROUND {
        let rep = usize::try_from(deal % 3).unwrap();
        won[rep] += if deal % 4 == 0 { 5_000 } else { 100 + deal };
    }
    won
}

#[tokio::test]
async fn killing_the_projector_and_the_engine_changes_no_number() {
    let stack = Stack::start_with(&["--time-zone", "Asia/Shanghai", "--currency", "CNY", "--without", "projector"]);
    let mut projector = stack.start_alone("project");
    let mut position = String::new();
    for round in 0..ROUNDS {
        position = stack.post(&Value::from(events_of(round))).await;
        // While the batch is under way: nothing waits for it here.
        if round % 2 == 0 {
            drop(projector);
            projector = stack.start_alone("project");
        } else {
            stack.kill_server(" clickhouse ");
        }
    }
    let path = format!("/v1/kpis/won_amount?from=2026-03-01&to=2026-03-31&grain=month&by=rep&after={position}");
    let answer = stack.get(&path).await;
    let rows: Vec<(String, i64)> = answer["rows"].as_array().unwrap().iter().map(row).collect();
    let expected: Vec<(String, i64)> = (0..3).map(|rep| (format!("R-{rep}"), expected()[rep])).collect();
    drop(projector);
    assert_eq!(rows, expected, "{answer:#}");
}

fn row(row: &Value) -> (String, i64) {
    let value: f64 = row["value"].as_str().unwrap().parse().unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "whole yuan")]
    (row["rep"].as_str().unwrap().to_owned(), value as i64)
}
