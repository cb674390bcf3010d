//! CloudEvents 1.0 in every mode: what a sender may write, what it is told when something is wrong, and that nothing is bent.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidemark_ingest::{Config, read_cloud_event};
use tidemark_schemas::{
    events::{Data, Event, wire},
    log::{DEAD_TOPIC, EVENTS_TOPIC},
};

use crate::{
    arbitrary::{event, print},
    kafka,
    server::{Ingest, NOW, access, answer, start},
};

const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";
const BATCH: &str = "application/cloudevents-batch+json";

fn won(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/crm/north", "type": "deal.won", "time": "2026-03-05T08:20:00Z",
        "subject": "deals/D-1", "datacontenttype": "application/json", "dataschema": "https://crm.example/deal.won",
        "accountid": "A-1001", "repid": "R-7", "recordedat": "2026-03-05T18:02:11+08:00", "traceparent": "00-ab-cd-01",
        "data": { "deal_id": "D-1", "amount": "120000.00", "currency": "CNY" }
    })
}

fn with(mut event: Value, name: &str, value: Value) -> Value {
    event[name] = value;
    event
}

fn read(event: &Value) -> Result<Event, Vec<(String, String)>> {
    let problems = |problems: Vec<tidemark_ingest::Problem>| {
        problems.into_iter().map(|p| (p.code.name().to_owned(), p.field.unwrap_or_default())).collect()
    };
    read_cloud_event(&event.to_string(), &access("cloud"), NOW).map_err(problems)
}

#[test]
fn attributes_and_extensions_become_the_envelope() {
    let event = read(&with(won("e1"), "revision", json!(3))).unwrap();
    let envelope = event.envelope;
    assert_eq!((envelope.event_id.as_str(), envelope.source.as_str(), envelope.revision), ("e1", "/crm/north", 3));
    assert_eq!((envelope.account_id.as_deref(), envelope.rep_id.as_deref()), (Some("A-1001"), Some("R-7")));
    assert_eq!((envelope.occurred_at, envelope.recorded_at), (1_772_698_800_000, Some(1_772_704_931_000)));
    assert!(matches!(event.data, Data::DealWon(won) if won.deal_id == "D-1"));

    // CloudEvents' own integers have 32 bits: a modification time in ms comes as a text.
    let revision = |value: Value| read(&with(won("e1"), "revision", value)).map(|event| event.envelope.revision);
    assert_eq!(revision(json!("1772698800000")), Ok(1_772_698_800_000));
    assert_eq!(revision(json!("-1")), Err(vec![("wrong_type".to_owned(), "revision".to_owned())]));
    let without_optional = json!({ "specversion": "1.0", "id": "e", "source": "s", "type": "visit.completed",
        "time": "2026-03-05T08:20:00.123456Z", "data": { "visit_id": "V" } });
    assert_eq!(read(&without_optional).unwrap().envelope.occurred_at, 1_772_698_800_123);
}

#[test]
fn a_retraction() {
    for retracted in [json!(true), json!("true"), json!("True")] {
        let event =
            json!({ "specversion": "1.0", "id": "e1", "source": "s", "type": "deal.won", "revision": 4, "retracted": retracted });
        let event = read(&event).unwrap();
        assert!(event.envelope.retracted && matches!(event.data, Data::EventRetracted(_)));
        assert_eq!(event.envelope.revision, 4);
    }
    assert!(!read(&with(won("e"), "retracted", json!("false"))).unwrap().envelope.retracted);
}

#[test]
fn data_in_base64() {
    let base64 = |text: &str| {
        let mut event = with(won("e1"), "data_base64", json!(text));
        event.as_object_mut().unwrap().remove("data");
        read(&event)
    };
    // {"deal_id":"D-1"}
    assert!(base64("eyJkZWFsX2lkIjoiRC0xIn0=").is_ok());
    for broken in ["eyJkZWFsX2lkIjoiRC0xIn0", "####", "AAAA"] {
        let told = base64(broken).unwrap_err();
        assert_eq!(told[0], ("bad_format".to_owned(), "data_base64".to_owned()), "{broken}");
    }
}

#[test]
fn problems_name_what_the_sender_wrote() {
    for (name, value, code) in [
        ("specversion", Value::Null, "missing_field"),
        ("specversion", json!("0.3"), "not_allowed"),
        ("specversion", json!(1.0), "wrong_type"),
        ("id", Value::Null, "missing_field"),
        ("id", json!(""), "empty"),
        ("source", Value::Null, "missing_field"),
        ("source", json!(""), "empty"),
        ("type", json!("com.example.deal"), "unknown_type"),
        ("time", Value::Null, "missing_field"),
        ("time", json!("yesterday"), "bad_format"),
        ("time", json!("1989-12-31T00:00:00Z"), "out_of_range"),
        ("datacontenttype", json!("application/xml"), "not_allowed"),
        ("accountid", json!(7), "wrong_type"),
        ("recordedat", json!("1969-12-31"), "out_of_range"),
        ("revision", json!(-1), "out_of_range"),
        ("retracted", json!("yes"), "wrong_type"),
        ("account_id", json!("A-1"), "unknown_field"),
        ("tenant", json!("other"), "unknown_field"),
        ("data", Value::Null, "missing_field"),
        ("data", json!("{\"deal_id\":\"D-1\"}"), "wrong_type"),
    ] {
        let told = read(&with(won("e1"), name, value.clone())).unwrap_err();
        assert_eq!(told, [(code.to_owned(), name.to_owned())], "{name} = {value}");
    }
    let created = json!({ "specversion": "1.0", "id": "e", "source": "s", "type": "account.created",
        "time": "2026-03-05", "data": { "name": "Acme" } });
    assert_eq!(read(&created).unwrap_err(), [("missing_field".to_owned(), "accountid".to_owned())]);
    let ours = tidemark_ingest::read_event(&won("e").to_string(), &access("cloud"), NOW).unwrap_err();
    assert!(ours.iter().any(|problem| problem.message.contains("application/cloudevents+json")), "{ours:?}");
}

/// An event of ours as a CloudEvent.
fn as_cloud_event(ours: Value) -> Value {
    let Value::Object(fields) = ours else { panic!("{ours}") };
    let mut event = json!({ "specversion": "1.0", "source": "crm" });
    for (name, value) in fields {
        let name = match name.as_str() {
            "event_id" => "id",
            "occurred_at" => "time",
            "account_id" => "accountid",
            "rep_id" => "repid",
            "recorded_at" => "recordedat",
            same => same,
        };
        event[name] = value;
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_forms_say_the_same(event in event()) {
        let cloud = as_cloud_event(print(&event)).to_string();
        prop_assert_eq!(read_cloud_event(&cloud, &access("cloud"), NOW), Ok(event), "{}", cloud);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[{}\\[\\]\":,a-z0-9_. \\\\]{0,80}", name in "specversion|id|data|data_base64|time|revision") {
        let _ = read_cloud_event(&text, &access("cloud"), NOW);
        let _ = read_cloud_event(&format!("{{\"{name}\":{text}}}"), &access("cloud"), NOW);
        let _ = read_cloud_event(&json!({ name: text }).to_string(), &access("cloud"), NOW);
    }
}

async fn post(ingest: &Ingest, content_type: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    answer(ingest.post(content_type, body).send().await.unwrap()).await
}

async fn events(ingest: &Ingest) -> Vec<Event> {
    ingest.records(EVENTS_TOPIC).await.iter().map(|record| wire::decode(record).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn structured_and_batch_over_http() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "cloud-structured", Config::default()).await;
    let (status, told) = post(&ingest, STRUCTURED, won("a").to_string()).await;
    assert_eq!((status, &told["accepted"], &told["refused"]), (200, &json!(1), &json!([])), "{told}");

    let bad = with(won("bad"), "time", json!("soon"));
    let (status, told) = post(&ingest, BATCH, json!([won("b"), bad, won("c")]).to_string()).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(2)), "{told}");
    let refusal = &told["refused"][0];
    assert_eq!((&refusal["index"], &refusal["code"], &refusal["field"]), (&json!(1), &json!("bad_format"), &json!("time")));
    let ids: Vec<String> = events(&ingest).await.into_iter().map(|event| event.envelope.event_id).collect();
    assert_eq!(ids, ["a", "b", "c"]);

    let (status, told) = post(&ingest, STRUCTURED, json!([won("d")]).to_string()).await;
    assert_eq!((status, &told["refused"][0]["code"]), (422, &json!("not_an_object")), "a batch has its own content type");
    let (status, told) = post(&ingest, BATCH, won("d").to_string()).await;
    assert_eq!((status, &told["error"]["code"]), (400, &json!("malformed_json")));
    assert_eq!(post(&ingest, BATCH, "[]").await.0, 400);
    assert_eq!(post(&ingest, "application/cloudevents-batch+xml", "<x/>").await.0, 415);

    // What was refused is kept whole, with the content type under which it can be sent again.
    let letters = ingest.records(DEAD_TOPIC).await;
    let letters: Vec<Value> = letters.iter().map(|record| serde_json::from_slice(record).unwrap()).collect();
    let types: Vec<&str> = letters.iter().map(|letter| letter["content_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["application/cloudevents+json", "application/cloudevents+json", BATCH]);
    let mended = letters[0]["body"].as_str().unwrap().replace("soon", "2026-03-06T00:00:00Z");
    assert_eq!(post(&ingest, types[0], mended).await.0, 200);
    assert_eq!(events(&ingest).await[3].envelope.event_id, "bad");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_mode_over_http() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "cloud-binary", Config::default()).await;
    let send = async |headers: &[(&str, &str)], body: &'static str| {
        let mut request = ingest.post("application/json", body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send().await.unwrap()).await
    };
    let won = [
        ("ce-specversion", "1.0"),
        ("CE-Type", "deal.won"),
        ("ce-id", "caf%C3%A9%20%22%F0%9F%98%80%22"),
        ("ce-source", "/crm/north"),
        ("ce-time", "2026-03-05T08:20:00Z"),
        ("ce-accountid", "\"A-1001\""),
        ("ce-revision", "1772698800000"),
        ("ce-subject", "deals/D-1"),
    ];
    let (status, told) = send(&won, r#" { "deal_id": "D-1", "amount": 120000.00 } "#).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(1)), "{told}");
    let event = events(&ingest).await.remove(0);
    assert_eq!((event.envelope.event_id.as_str(), event.envelope.revision), ("café \"😀\"", 1_772_698_800_000));
    assert_eq!(event.envelope.account_id.as_deref(), Some("A-1001"));

    let retraction = [won[0], won[1], won[2], won[3], ("ce-revision", "1772698800001"), ("ce-retracted", "true")];
    let (status, told) = send(&retraction, "").await;
    assert_eq!((status, &told["accepted"]), (200, &json!(1)), "{told}");
    assert!(events(&ingest).await[1].envelope.retracted);

    let (status, told) = send(&won[1..], "{broken").await;
    assert_eq!(status, 422);
    let mut fields: Vec<&str> = told["refused"].as_array().unwrap().iter().map(|r| r["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["data", "data_base64", "specversion"]);
    let letter: Value = serde_json::from_slice(&ingest.records(DEAD_TOPIC).await[0]).unwrap();
    let whole: Value = serde_json::from_str(letter["body"].as_str().unwrap()).unwrap();
    assert_eq!((&whole["source"], &whole["data_base64"]), (&json!("/crm/north"), &json!("e2Jyb2tlbg==")));

    let (status, told) = send(&[won.as_slice(), &[("ce-id", "twice")]].concat(), r#"{"deal_id":"D-1"}"#).await;
    assert_eq!(
        (status, &told["refused"][0]["code"], &told["refused"][0]["field"]),
        (422, &json!("duplicate_field"), &json!("id"))
    );
    assert_eq!(send(&[("ce-id", "%FF")], "{}").await.1["error"]["code"], "malformed_attribute");
    assert_eq!(send(&[("ce-id", &"x".repeat(9_000))], "{}").await.0, 431);
    let xml = ingest.post("application/xml", "<won/>").header("ce-id", "1").send().await.unwrap();
    assert_eq!(answer(xml).await.0, 415, "data of another kind");
    ingest.stop().await;
}
