//! Every kind of bad event, with the code and the field that its sender is told. No Kafka needed.

use serde_json::{Value, json};
use tidemark_ingest::read_event;
use tidemark_schemas::events::Data;

use crate::server::{NOW, access};

/// A good event of the type, with `data` as given.
fn event(event_type: &str, data: Value) -> Value {
    json!({ "type": event_type, "event_id": "E-1", "account_id": "A-1", "occurred_at": "2026-03-05T16:20:00+08:00", "data": data })
}

fn won() -> Value {
    event("deal.won", json!({ "deal_id": "D-1", "amount": "120000.00", "currency": "CNY" }))
}

/// `event` with the value at a JSON pointer replaced; removed where it is `null`.
fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name)
    } else {
        parent.insert(name.to_owned(), value)
    };
    event
}

fn problems(text: &str) -> Vec<(String, String, String)> {
    let problems = read_event(text, &access("refuses"), NOW).err().unwrap_or_default();
    problems.into_iter().map(|p| (p.code.name().to_owned(), p.field.unwrap_or_default(), p.message)).collect()
}

#[track_caller]
fn refused(event: &Value, code: &str, field: &str) {
    let problems = problems(&event.to_string());
    let told: Vec<(&str, &str)> = problems.iter().map(|(code, field, _)| (code.as_str(), field.as_str())).collect();
    assert_eq!(told, [(code, field)], "{event}: {problems:?}");
    assert!(problems[0].2.contains(field), "the message names the field: {problems:?}");
}

#[track_caller]
fn accepted(event: &Value) {
    assert_eq!(problems(&event.to_string()), [], "{event}");
}

#[test]
fn the_envelope() {
    accepted(&won());
    for (pointer, value, code) in [
        ("/type", json!("deal.won!"), "unknown_type"),
        ("/type", json!("event.retracted"), "unknown_type"),
        ("/type", Value::Null, "missing_field"),
        ("/type", json!(7), "wrong_type"),
        ("/event_id", Value::Null, "missing_field"),
        ("/event_id", json!(""), "empty"),
        ("/event_id", json!("  "), "empty"),
        ("/event_id", json!("x".repeat(129)), "too_long"),
        ("/event_id", json!("a\u{7}b"), "control_character"),
        ("/event_id", json!(17), "wrong_type"),
        ("/source", json!(""), "empty"),
        ("/revision", json!("1"), "wrong_type"),
        ("/revision", json!(1.5), "wrong_type"),
        ("/revision", json!(-1), "out_of_range"),
        ("/retracted", json!("yes"), "wrong_type"),
        ("/account_id", json!(""), "empty"),
        ("/rep_id", json!(["R-7"]), "wrong_type"),
        ("/occurred_at", Value::Null, "missing_field"),
        ("/occurred_at", json!(1_772_698_800_000_u64), "wrong_type"),
        ("/occurred_at", json!("5 March 2026"), "bad_format"),
        ("/occurred_at", json!("2026-02-30"), "bad_format"),
        ("/occurred_at", json!("1989-12-31"), "out_of_range"),
        ("/occurred_at", json!("2036-03-11"), "out_of_range"),
        ("/occurred_at", json!("9999-01-01"), "out_of_range"),
        ("/recorded_at", json!("1969-12-31"), "out_of_range"),
        ("/recorded_at", json!(false), "wrong_type"),
        ("/data", Value::Null, "missing_field"),
        ("/data", json!([]), "wrong_type"),
        ("/amount", json!("1"), "unknown_field"),
        ("/tenant", json!("other"), "unknown_field"),
        ("/received_at", json!("2026-03-05"), "unknown_field"),
    ] {
        refused(&with(won(), pointer, value), code, &pointer[1..]);
    }
    accepted(&with(won(), "/occurred_at", json!("1990-01-01")));
    accepted(&with(won(), "/occurred_at", json!("2036-03-09")));
    accepted(&with(won(), "/revision", json!(i64::MAX)));
    accepted(&with(won(), "/account_id", json!("客".repeat(128))));
}

#[test]
fn the_fields_of_data() {
    let visit = || event("visit.completed", json!({ "visit_id": "V-1" }));
    let opened = || event("deal.opened", json!({ "deal_id": "D-1" }));
    for (event, field, value, code) in [
        (won(), "deal_id", Value::Null, "missing_field"),
        (won(), "deal_id", json!(""), "empty"),
        (won(), "ammount", json!("1"), "unknown_field"),
        (won(), "amount", json!("-0.01"), "out_of_range"),
        (won(), "amount", json!(-5), "out_of_range"),
        (won(), "amount", json!("1000000000000000"), "out_of_range"),
        (won(), "amount", json!("1e99"), "out_of_range"),
        (won(), "amount", json!("0.0000001"), "too_precise"),
        (won(), "amount", json!("1,200.00"), "bad_format"),
        (won(), "amount", json!("NaN"), "bad_format"),
        (won(), "amount", json!(true), "wrong_type"),
        (won(), "currency", json!("cny"), "bad_format"),
        (won(), "currency", json!("RMB¥"), "bad_format"),
        (opened(), "kind", json!("upsell"), "not_allowed"),
        (opened(), "expires_on", json!("2026-3-5"), "bad_format"),
        (opened(), "expires_on", json!("2026-03-05T00:00:00Z"), "bad_format"),
        (opened(), "expires_on", json!("2149-06-07"), "out_of_range"),
        (opened(), "expires_on", json!("1969-12-31"), "out_of_range"),
        (opened(), "expires_on", json!(20_000), "wrong_type"),
        (opened(), "name", json!("n".repeat(4_001)), "too_long"),
        (visit(), "duration_min", json!("90"), "wrong_type"),
        (visit(), "duration_min", json!(90.5), "wrong_type"),
        (visit(), "duration_min", json!(-1), "out_of_range"),
        (visit(), "duration_min", json!(1_000_000_000_000_000_u64), "out_of_range"),
        (visit(), "met_decision_maker", json!("true"), "wrong_type"),
        (visit(), "mode", json!(""), "not_allowed"),
    ] {
        refused(&with(event, &format!("/data/{field}"), value), code, &format!("data.{field}"));
    }
    for (amount, exact) in [(json!(120_000.5), "120000.5"), (json!("0.1e1"), "1"), (json!(999_999_999_999_999.999_999_f64), "")] {
        let event = with(won(), "/data/amount", amount).to_string();
        let read = read_event(&event, &access("refuses"), NOW).ok();
        let Some(Data::DealWon(won)) = read.map(|event| event.data) else {
            assert_eq!(exact, "", "{event}");
            continue;
        };
        assert_eq!(won.amount.unwrap().to_string(), exact, "{event}");
    }
    // Exact although no double is: the digits are read, not a float.
    let digits = won().to_string().replace("\"120000.00\"", "100000000000000.000001");
    let Data::DealWon(won) = read_event(&digits, &access("refuses"), NOW).unwrap().data else { panic!() };
    assert_eq!(won.amount.unwrap().to_string(), "100000000000000.000001");
    accepted(&with(visit(), "/data/duration_min", json!(90.0)));
    accepted(&with(visit(), "/data/purpose", Value::Null));
}

#[test]
fn fields_that_must_fit_together() {
    let no_account = |event_type, data| with(event(event_type, data), "/account_id", Value::Null);
    let survey =
        |kind, score, max| event("survey.answered", json!({ "survey_id": "S", "kind": kind, "score": score, "max_score": max }));
    let target =
        |unit, id| event("target.set", json!({ "unit": unit, "id": id, "period": "2026-Q1", "kpi": "visits", "value": 5 }));
    let rate = |to| event("rate.set", json!({ "from": "USD", "to": to, "on": "2026-01-01", "rate": "7.1" }));
    let away = |to| event("roster.away", json!({ "rep_id": "R", "from": "2026-01-02", "to": to }));
    let rating = |score| {
        let data = json!({ "cycle": "2026", "subject_rep_id": "R", "rater_id": "M", "relation": "manager",
            "dimension": "ability", "score": score, "max_score": 5 });
        event("rating.given", data)
    };
    for (event, code, field) in [
        (no_account("account.created", json!({})), "missing_field", "account_id"),
        (no_account("account.amended", json!({})), "missing_field", "account_id"),
        (event("account.merged", json!({ "into": "A-1" })), "contradiction", "data.into"),
        (survey("csat", 4, Value::Null), "missing_field", "data.max_score"),
        (survey("handover", 4, Value::Null), "missing_field", "data.max_score"),
        (survey("csat", 6, json!(5)), "contradiction", "data.score"),
        (survey("nps", 11, Value::Null), "contradiction", "data.score"),
        (rating(6), "contradiction", "data.score"),
        (event("alert.muted", json!({ "rule": "dormant" })), "missing_field", "data.alert_id"),
        (away("2026-01-01"), "contradiction", "data.to"),
        (rate("USD"), "contradiction", "data.to"),
        (with(rate("CNY"), "/data/rate", json!(0)), "out_of_range", "data.rate"),
        (target("team", Value::Null), "missing_field", "data.id"),
        (target("company", json!("us")), "contradiction", "data.id"),
        (with(target("rep", json!("R")), "/data/period", json!("2026-Q5")), "bad_format", "data.period"),
    ] {
        refused(&event, code, field);
    }
    for event in [
        survey("csat", 5, json!(5)),
        survey("nps", 10, Value::Null),
        survey("ces", 70, Value::Null),
        rating(5),
        event("alert.muted", json!({ "rule": "dormant", "rep_id": "R" })),
        event("alert.snoozed", json!({ "alert_id": "x", "until": "2026-04-01" })),
        away("2026-01-02"),
        rate("CNY"),
        target("company", Value::Null),
        target("team", json!("T")),
    ] {
        accepted(&event);
    }
}

#[test]
fn a_retraction_needs_identity_and_revision_only() {
    let retraction = json!({ "event_id": "E-1", "revision": 3, "retracted": true });
    let event = read_event(&retraction.to_string(), &access("refuses"), NOW).unwrap();
    assert!(event.envelope.retracted && matches!(event.data, Data::EventRetracted(_)));
    assert_eq!((event.envelope.revision, event.envelope.occurred_at, event.envelope.recorded_at), (3, NOW, None));
    let with_all = with(with(won(), "/retracted", json!(true)), "/data", json!({ "whatever": 1 }));
    let ignored = read_event(&with_all.to_string(), &access("refuses"), NOW).unwrap();
    assert_eq!((ignored.envelope.account_id, ignored.envelope.source.as_str()), (None, "crm"));
    refused(&json!({ "retracted": true }), "missing_field", "event_id");
    refused(&with(retraction, "/reason", json!("typo")), "unknown_field", "reason");
    accepted(&with(won(), "/retracted", json!(false)));
}

#[test]
fn every_problem_is_told_at_once_up_to_a_bound() {
    let text =
        r#"{ "type": "deal.won", "event_id": "", "occurred_at": "x", "data": { "amount": "-1", "amount": "-2", "x": 1 } }"#;
    let mut told: Vec<(String, String)> = problems(text).into_iter().map(|(code, field, _)| (code, field)).collect();
    told.sort();
    let told: Vec<(&str, &str)> = told.iter().map(|(code, field)| (code.as_str(), field.as_str())).collect();
    assert_eq!(
        told,
        [
            ("bad_format", "occurred_at"),
            ("duplicate_field", "data.amount"),
            ("empty", "event_id"),
            ("missing_field", "data.deal_id"),
            ("out_of_range", "data.amount"),
            ("unknown_field", "data.x"),
        ]
    );
    let many: String = (0..100).map(|n| format!(r#","field{n}":1"#)).collect();
    assert_eq!(problems(&won().to_string().replacen('{', &format!("{{\"x\":1{many},"), 1)).len(), 16);
    assert_eq!(problems(r#"{"a":1,"a":2}"#)[0].0, "duplicate_field");
    for (text, code) in [("[]", "not_an_object"), ("7", "not_an_object"), ("{", "malformed_json"), ("", "malformed_json")] {
        assert_eq!(problems(text)[0].0, code, "{text}");
    }
    assert_eq!(problems(&won().to_string().replace("A-1", "\\ud800"))[0].1, "account_id", "half a surrogate pair");
}
