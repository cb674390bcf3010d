//! `GET /v1/dead`: each dead letter of one's own company once, newest first, page by page, or counted by cause.

use serde_json::{Value, json};
use tidemark_ingest::Config;

use crate::{
    bad_requests::lost,
    kafka,
    server::{Ingest, answer, start},
};

fn without(event_id: &str, field: &str) -> Value {
    let mut event = lost(event_id);
    event.as_object_mut().unwrap().remove(field);
    event
}

fn bodies(told: &Value) -> Vec<&str> {
    told["letters"].as_array().unwrap().iter().map(|letter| letter["body"].as_str().unwrap()).collect()
}

/// Six letters of five bodies: a, b, c, a again, broken JSON, and d beside an event that is accepted.
async fn six(ingest: &Ingest) -> [String; 4] {
    let mut c = lost("c");
    c["data"]["colour"] = json!("red");
    let [a, b, d] = [without("a", "occurred_at"), without("b", "data"), without("d", "occurred_at")];
    for body in [a.to_string(), b.to_string(), c.to_string(), a.to_string(), "{broken".to_owned()] {
        answer(ingest.post("application/json", body).send().await.unwrap()).await;
    }
    assert_eq!(ingest.post_json(&json!([lost("good"), d])).await.0, 200);
    [a.to_string(), b.to_string(), c.to_string(), d.to_string()]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_once_newest_first_page_by_page() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-list", Config::default()).await;
    let (status, told) = ingest.get_with_key("/v1/dead").await;
    assert_eq!((status, told), (200, json!({ "letters": [], "total": 0, "next": null, "complete": true })));

    let [a, b, c, d] = six(&ingest).await;
    let (status, told) = ingest.get_with_key("/v1/dead").await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(bodies(&told), [d.as_str(), "{broken", &a, &c, &b]);
    assert_eq!((&told["total"], &told["next"], &told["complete"]), (&json!(5), &Value::Null, &json!(true)));
    let letter = &told["letters"][2];
    assert_eq!((&letter["times"], &letter["source"], &letter["index"]), (&json!(2), &json!("crm"), &json!(0)));
    assert_eq!(
        (&letter["received_at"], &letter["content_type"]),
        (&json!("2026-03-10T00:00:00.000Z"), &json!("application/json"))
    );
    assert_eq!((&letter["reasons"][0]["code"], &letter["reasons"][0]["field"]), (&json!("missing_field"), &json!("occurred_at")));
    assert_eq!(letter["id"].as_str().unwrap().len(), 64);

    let (mut paged, mut path) = (Vec::new(), "/v1/dead?limit=2".to_owned());
    loop {
        let (_, page) = ingest.get_with_key(&path).await;
        assert_eq!(page["total"], 5);
        paged.extend(page["letters"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/dead?limit=2&after={next}");
    }
    assert_eq!(&paged, told["letters"].as_array().unwrap());

    // Mended and sent again, it is accepted.
    let mended = a.replacen('{', "{\"occurred_at\":\"2026-03-05\",", 1);
    let sent = ingest.post(letter["content_type"].as_str().unwrap(), mended).send().await.unwrap();
    assert_eq!(answer(sent).await.0, 200);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_and_grouped() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-causes", Config::default()).await;
    let [a, _, c, d] = six(&ingest).await;
    for (filter, expected) in [
        ("reason=unknown_field", vec![c.as_str()]),
        ("field=occurred_at", vec![&d, &a]),
        ("reason=malformed_json&source=crm", vec!["{broken"]),
        ("source=zoho", vec![]),
    ] {
        let (status, told) = ingest.get_with_key(&format!("/v1/dead?{filter}")).await;
        assert_eq!((status, bodies(&told), &told["total"]), (200, expected.clone(), &json!(expected.len())), "{filter}");
    }
    let (status, told) = ingest.get_with_key("/v1/dead?group=cause").await;
    assert_eq!((status, &told["total"], &told["complete"]), (200, &json!(5), &json!(true)));
    let cause = |cause: &Value| {
        let text = |name: &str| cause[name].as_str().unwrap_or_default().to_owned();
        (text("code"), text("field"), cause["letters"].as_u64().unwrap())
    };
    let mut causes: Vec<_> = told["causes"].as_array().unwrap().iter().map(cause).collect();
    assert_eq!(causes.remove(0), ("missing_field".to_owned(), "occurred_at".to_owned(), 2), "the most frequent first");
    let rest: Vec<(&str, &str, u64)> = causes.iter().map(|(code, field, n)| (code.as_str(), field.as_str(), *n)).collect();
    assert_eq!(rest, [("malformed_json", "", 1), ("missing_field", "data", 1), ("unknown_field", "data.colour", 1)]);
    let example = &told["causes"][0]["example"];
    assert!(example["message"].as_str().unwrap().starts_with("occurred_at is missing"), "{example}");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ones_own_and_only_what_is_understood() {
    let Some(kafka) = kafka::shared() else { return };
    let mut ingest = start(kafka.config(), "dead-own", Config::default()).await;
    six(&ingest).await;
    let (status, told) = answer(reqwest::get(format!("{}/v1/dead", ingest.url)).await.unwrap()).await;
    assert_eq!((status, &told["error"]["code"]), (401, &json!("missing_key")));
    for query in ["limit=0", "limit=1001", "limit=x", "after=x", "tenant=other", "group=source", "reasons=empty"] {
        let (status, told) = ingest.get_with_key(&format!("/v1/dead?{query}")).await;
        assert_eq!((status, &told["error"]["code"]), (400, &json!("bad_question")), "{query}: {told}");
    }
    ingest.key = "key-of-other".to_owned();
    let (status, told) = ingest.get_with_key("/v1/dead?limit=1000").await;
    assert_eq!(status, 200);
    assert!(!told.to_string().contains("colour"), "another company's letters are not shown");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn found_by_the_beginning_of_an_id_and_by_when_it_came() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-prefix", Config::default()).await;
    // Of seventeen ids, two begin with the same of sixteen digits.
    let events: Vec<Value> = (0..17).map(|event| without(&format!("e{event}"), "occurred_at")).collect();
    assert_eq!(ingest.post_json(&json!(events)).await.0, 422);
    let (_, told) = ingest.get_with_key("/v1/dead").await;
    let ids: Vec<&str> = told["letters"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    let ambiguous =
        ids.iter().map(|id| &id[..1]).find(|digit| ids.iter().filter(|id| id.starts_with(digit)).count() > 1).unwrap();
    let (status, told) = ingest.get_with_key(&format!("/v1/dead/{ambiguous}")).await;
    assert_eq!((status, &told["error"]["code"]), (409, &json!("ambiguous_letter")), "{told}");
    let (status, told) = ingest.get_with_key(&format!("/v1/dead/{}", &ids[3][..12])).await;
    assert_eq!((status, &told["id"]), (200, &json!(ids[3])), "{told}");

    for (before, letters) in [("2026-03-10T00:00:00Z", 0), ("2026-03-10T08:00:00.001%2B08:00", 17)] {
        let (status, told) = ingest.get_with_key(&format!("/v1/dead?before={before}")).await;
        assert_eq!((status, &told["total"]), (200, &json!(letters)), "{before}: {told}");
    }
    assert_eq!(ingest.get_with_key("/v1/dead?before=yesterday").await.0, 400);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_came_again_is_shown_with_its_newest_reason() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-newest", Config::default()).await;
    for message in ["\"1 h\" is no number", "no such customer"] {
        let refused = json!({ "is_broken": false, "message": message });
        let line = json!({ "file": "v.csv", "line": 2, "row": { "id": "V1" }, "refused": refused }).to_string();
        answer(ingest.post("application/vnd.tidemark.rows", line).send().await.unwrap()).await;
        let (_, letters) = ingest.get_with_key("/v1/dead").await;
        let (_, causes) = ingest.get_with_key("/v1/dead?group=cause").await;
        assert_eq!((&letters["total"], &letters["letters"][0]["reasons"][0]["message"]), (&json!(1), &json!(message)));
        assert_eq!(causes["causes"][0]["example"]["message"], message, "{causes}");
    }
    ingest.stop().await;
}
