//! Bad input over HTTP: each gets a status, a code and a field; what was refused is kept, and nothing else is lost.

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::log::{DEAD_TOPIC, EVENTS_TOPIC};

use crate::{
    kafka,
    server::{Ingest, answer, start},
};

pub fn lost(event_id: &str) -> Value {
    json!({ "type": "deal.lost", "event_id": event_id, "occurred_at": "2026-03-05", "data": { "deal_id": "D-1" } })
}

async fn post(ingest: &Ingest, content_type: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    answer(ingest.post(content_type, body).send().await.unwrap()).await
}

async fn dead_letters(ingest: &Ingest) -> Vec<Value> {
    ingest.records(DEAD_TOPIC).await.iter().map(|record| serde_json::from_slice(record).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_event_costs_the_others_nothing() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "one-bad", Config::default()).await;
    let mut bad = lost("bad");
    bad["data"]["reason_code"] = json!(7);
    let (status, told) = post(&ingest, "application/json", json!([lost("a"), bad, lost("b")]).to_string()).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(2)));
    assert_eq!(told["refused"].as_array().unwrap().len(), 1);
    let refusal = &told["refused"][0];
    assert_eq!(
        (&refusal["index"], &refusal["code"], &refusal["field"]),
        (&json!(1), &json!("unknown_field"), &json!("data.reason_code"))
    );
    assert!(refusal["message"].as_str().unwrap().contains("deal.lost, which has deal_id, reason"), "{refusal}");

    let lines = format!("{}\n{{broken\n\n{}\n", lost("c"), lost("d"));
    let (status, told) = post(&ingest, "application/x-ndjson", lines).await;
    assert_eq!((status, &told["accepted"]), (200, &json!(2)));
    assert_eq!((&told["refused"][0]["index"], &told["refused"][0]["code"]), (&json!(1), &json!("malformed_json")));

    let letters = dead_letters(&ingest).await;
    assert_eq!(letters.len(), 2);
    assert_eq!(
        (&letters[0]["tenant"], &letters[0]["source"], &letters[0]["index"]),
        (&json!("one-bad"), &json!("crm"), &json!(1))
    );
    assert_eq!((&letters[0]["reasons"][0]["code"], &letters[0]["body"]), (&json!("unknown_field"), &json!(bad.to_string())));
    assert_eq!(letters[1]["body"], "{broken");
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len(), 4);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_bad_event_is_a_422_that_names_code_and_field() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "kinds", Config::default()).await;
    let due = |name: &str, value: Value| {
        let mut event = json!({ "type": "payment.due", "event_id": "E", "occurred_at": "2026-03-05",
            "data": { "receivable_id": "I-1", "amount": "10.50", "due_on": "2026-04-01" } });
        match name.strip_prefix("data.") {
            Some(name) => event["data"][name] = value,
            None => event[name] = value,
        }
        event
    };
    for (field, value, code) in [
        ("type", json!("payment.overdue"), "unknown_type"),
        ("data.invoice", json!("I-1"), "unknown_field"),
        ("data.receivable_id", Value::Null, "missing_field"),
        ("event_id", Value::Null, "missing_field"),
        ("data.amount", json!([]), "wrong_type"),
        ("data.amount", json!("-10.50"), "out_of_range"),
        ("data.due_on", json!("2150-01-01"), "out_of_range"),
        ("occurred_at", json!("1989-12-31"), "out_of_range"),
    ] {
        let (status, told) = ingest.post_json(&due(field, value)).await;
        let refusal = &told["refused"][0];
        assert_eq!((status, &refusal["code"], &refusal["field"]), (422, &json!(code), &json!(field)), "{told}");
        assert!(refusal["message"].as_str().unwrap().contains(field), "{told}");
    }
    assert_eq!(dead_letters(&ingest).await.len(), 8);
    assert_eq!(ingest.post_json(&due("data.deal_id", json!("D-1"))).await.0, 200);
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len(), 1);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_accepted_is_a_422_and_nothing_readable_a_400() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "all-bad", Config::default()).await;
    let (status, told) = ingest.post_json(&json!({ "type": "deal.lost" })).await;
    assert_eq!((status, &told["accepted"], &told["position"]), (422, &json!(0), &Value::Null));
    assert_eq!(told["error"]["code"], "all_refused");
    let fields: Vec<&Value> = told["refused"].as_array().unwrap().iter().map(|refusal| &refusal["field"]).collect();
    assert_eq!(fields, ["event_id", "occurred_at", "data"]);

    for (body, code) in [("{\"a\":", "malformed_json"), ("", "no_events"), ("[]", "no_events"), ("[{}] x", "malformed_json")] {
        let (status, told) = post(&ingest, "application/json", body).await;
        assert_eq!((status, &told["error"]["code"]), (400, &json!(code)), "{body:?}: {told}");
    }
    let (status, told) = post(&ingest, "application/json", &b"{\"a\":\"\xff\"}"[..]).await;
    assert_eq!((status, &told["error"]["code"]), (400, &json!("malformed_json")));
    assert!(told["error"]["message"].as_str().unwrap().contains("kept as a dead letter"), "{told}");

    let letters = dead_letters(&ingest).await;
    let bodies: Vec<(&str, &str)> =
        letters.iter().map(|l| (l["encoding"].as_str().unwrap(), l["body"].as_str().unwrap())).collect();
    let hex = hex::encode(b"{\"a\":\"\xff\"}");
    assert_eq!(bodies, [("text", "{\"type\":\"deal.lost\"}"), ("text", "{\"a\":"), ("text", "[{}] x"), ("hex", hex.as_str())]);
    assert_eq!((&letters[1]["index"], &letters[1]["reasons"][0]["code"]), (&Value::Null, &json!("malformed_json")));

    // A client's retry is the same dead letter.
    post(&ingest, "application/json", "{\"a\":").await;
    assert_eq!(dead_letters(&ingest).await[4]["id"], letters[1]["id"]);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_and_what_is_not_understood() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "who", Config::default()).await;
    let url = format!("{}/v1/events", ingest.url);
    let body = lost("a").to_string();
    let request = || reqwest::Client::new().post(&url).header("content-type", "application/json").body(body.clone());
    for (request, code) in [
        (request(), "missing_key"),
        (request().header("authorization", "Basic eDp5"), "malformed_key"),
        (request().header("authorization", "Bearer "), "malformed_key"),
        (request().bearer_auth("key-of-nobody"), "unknown_key"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["www-authenticate"], "Bearer");
        let (status, told) = answer(response).await;
        assert_eq!((status, &told["error"]["code"], &told["error"]["field"]), (401, &json!(code), &json!("Authorization")));
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/cloudevents+xml"] {
        let (status, told) = post(&ingest, content_type, body.clone()).await;
        assert_eq!(
            (status, &told["error"]["code"], &told["error"]["field"]),
            (415, &json!("content_type"), &json!("Content-Type"))
        );
        assert!(told["error"]["message"].as_str().unwrap().contains(content_type), "{told}");
    }
    let response = reqwest::Client::new().post(&url).bearer_auth(&ingest.key).body(body.clone()).send().await.unwrap();
    assert_eq!(answer(response).await.0, 415, "no content type at all");
    let (status, told) =
        answer(ingest.post("application/json", body.clone()).header("content-encoding", "br").send().await.unwrap()).await;
    assert_eq!((status, &told["error"]["code"]), (415, &json!("content_encoding")));
    let response = reqwest::get(format!("{}/v1/events", ingest.url)).await.unwrap();
    assert_eq!(answer(response).await.0, 405);
    let response = reqwest::get(format!("{}/v2/events", ingest.url)).await.unwrap();
    assert_eq!(answer(response).await.0, 404);
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len() + ingest.records(DEAD_TOPIC).await.len(), 0);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_bounds() {
    let Some(kafka) = kafka::shared() else { return };
    let config = Config { body_bytes_max: 100_000, events_per_body_max: 3, body_timeout_ms: 200, ..Config::default() };
    let ingest = start(kafka.config(), "bounds", config).await;
    let (status, told) = post(&ingest, "application/json", " ".repeat(100_001)).await;
    assert_eq!((status, &told["error"]["code"]), (413, &json!("body_too_large")));
    assert!(told["error"]["message"].as_str().unwrap().contains("not kept"), "{told}");
    let chunks = stream::iter((0..101).map(|_| Ok::<_, std::io::Error>(" ".repeat(1_000))));
    let (status, told) = post(&ingest, "application/json", reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!((status, &told["error"]["code"]), (413, &json!("body_too_large")), "of unknown length");
    let (status, told) = post(&ingest, "application/json", json!([lost("a"), lost("b"), lost("c"), lost("d")]).to_string()).await;
    assert_eq!((status, &told["error"]["code"]), (413, &json!("too_many_events")));
    let never = stream::once(async { Ok::<_, std::io::Error>("[") }).chain(stream::pending());
    let (status, told) = post(&ingest, "application/json", reqwest::Body::wrap_stream(never)).await;
    assert_eq!((status, &told["error"]["code"]), (408, &json!("body_timeout")));
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len() + ingest.records(DEAD_TOPIC).await.len(), 0);

    // The largest body that is taken fits into a dead letter, even in hex.
    let (status, _) = post(&ingest, "application/json", vec![0xff; 100_000]).await;
    assert_eq!(status, 400);
    assert_eq!(dead_letters(&ingest).await[0]["body"].as_str().unwrap().len(), 200_000);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_in_flight_is_a_429() {
    let Some(kafka) = kafka::shared() else { return };
    let config = Config { body_bytes_max: 64 << 10, in_flight_bytes_max: 64 << 10, ..Config::default() };
    let ingest = start(kafka.config(), "in-flight", config).await;
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let slow = stream::once(async move {
        released.await.unwrap();
        Ok::<_, std::io::Error>(lost("slow").to_string())
    });
    let slow = tokio::spawn(ingest.post("application/json", reqwest::Body::wrap_stream(slow)).send());
    while !ingest.get("/metrics").await.1.contains("tidemark_ingest_in_flight_bytes 65536") {
        tokio::task::yield_now().await;
    }
    let response = ingest.post("application/json", lost("quick").to_string()).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, told) = answer(response).await;
    assert_eq!((status, &told["error"]["code"]), (429, &json!("in_flight")));
    release.send(()).unwrap();
    assert_eq!(answer(slow.await.unwrap().unwrap()).await.0, 200);
    assert_eq!(ingest.post_json(&lost("quick")).await.0, 200, "the share was given back");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies() {
    let Some(kafka) = kafka::shared() else { return };
    let config = Config { body_bytes_max: 100_000, in_flight_bytes_max: 100_000, ..Config::default() };
    let ingest = start(kafka.config(), "compressed", config).await;
    let send = async |encoding: &str, body: Vec<u8>| {
        let response = ingest.post("application/x-ndjson", body).header("content-encoding", encoding).send().await.unwrap();
        let accepts = response.headers().get("accept-encoding").map(|value| value.to_str().unwrap().to_owned());
        let (status, told) = answer(response).await;
        (status, told["accepted"].as_u64(), told["error"]["code"].as_str().map(str::to_owned), accepts)
    };
    let gzip = |text: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, text).unwrap();
        encoder.finish().unwrap()
    };
    let lines = format!("{}\n{}\n", lost("a"), lost("b"));
    assert_eq!(send("gzip", gzip(lines.as_bytes())).await, (200, Some(2), None, None));
    assert_eq!(send("ZSTD", zstd::encode_all(lines.as_bytes(), 3).unwrap()).await, (200, Some(2), None, None));
    assert_eq!(send("identity", lines.clone().into_bytes()).await, (200, Some(2), None, None));

    let refused = |status, code: &str| (status, None, Some(code.to_owned()), None);
    let large = " ".repeat(100_001);
    assert_eq!(send("gzip", gzip(large.as_bytes())).await, refused(413, "body_too_large"));
    assert_eq!(send("zstd", zstd::encode_all(large.as_bytes(), 3).unwrap()).await, refused(413, "body_too_large"));
    assert_eq!(send("gzip", lines.clone().into_bytes()).await, refused(400, "malformed_encoding"));
    let mut cut = gzip(lines.as_bytes());
    cut.truncate(cut.len() - 4);
    assert_eq!(send("gzip", cut).await, refused(400, "malformed_encoding"));
    for encoding in ["deflate", "gzip, zstd"] {
        let (status, _, code, accepts) = send(encoding, lines.clone().into_bytes()).await;
        assert_eq!((status, code.as_deref(), accepts.as_deref()), (415, Some("content_encoding"), Some("gzip, zstd")));
    }
    assert_eq!(ingest.records(EVENTS_TOPIC).await.len(), 6);
    assert_eq!(ingest.records(DEAD_TOPIC).await.len(), 0);
    assert!(ingest.get("/metrics").await.1.contains("tidemark_ingest_in_flight_bytes 0"), "every share was given back");
    ingest.stop().await;
}
