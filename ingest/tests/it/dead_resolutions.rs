//! Dead letters shown, mended, replayed and dropped over HTTP; and what happens when it is done twice, or wrongly.

use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::log::{DEAD_TOPIC, EVENTS_TOPIC};

use crate::{
    bad_requests::lost,
    kafka,
    server::{Ingest, answer, start},
};

impl Ingest {
    async fn send(&self, method: &str, path: &str, content_type: &str, body: String) -> (u16, Value) {
        let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{path}", self.url));
        answer(request.bearer_auth(&self.key).header("content-type", content_type).body(body).send().await.unwrap()).await
    }

    async fn replay(&self, id: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send("POST", &format!("/v1/dead/{id}/replay"), "application/json", body).await
    }

    async fn delete(&self, id: &str) -> (u16, Value) {
        self.send("DELETE", &format!("/v1/dead/{id}"), "application/json", String::new()).await
    }

    async fn ids(&self, filter: &str) -> Vec<String> {
        let (_, told) = self.get_with_key(&format!("/v1/dead?{filter}")).await;
        told["letters"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn broken(event_id: &str) -> Value {
    let mut event = lost(event_id);
    event.as_object_mut().unwrap().remove("occurred_at");
    event
}

/// Posts an event that is refused; its letter's id.
async fn refused(ingest: &Ingest, event: &Value) -> String {
    assert_eq!(ingest.post_json(event).await.0, 422);
    ingest.ids("limit=1").await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn mended_replayed_and_replayed_again() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-replay", Config::default()).await;
    let id = refused(&ingest, &broken("a")).await;
    let (status, shown) = ingest.get_with_key(&format!("/v1/dead/{id}")).await;
    assert_eq!((status, &shown["state"], &shown["body"]), (200, &json!("pending"), &json!(broken("a").to_string())));
    assert_eq!((&shown["times"], &shown["first_at"]), (&json!(1), &json!("2026-03-10T00:00:00.000Z")));

    // As it was kept, and mended but not enough: it stays pending, and there is no second letter.
    let mut still = lost("a");
    still["data"]["colour"] = json!("red");
    for (body, code) in [(Value::Null, "missing_field"), (still, "unknown_field")] {
        let (status, told) = ingest.replay(&id, &body).await;
        assert_eq!((status, &told["outcome"], &told["error"]["code"]), (422, &json!("refused"), &json!("still_refused")));
        assert_eq!(told["refused"][0]["code"], code, "{told}");
    }
    let (status, told) = ingest.replay(&id, &json!([lost("a"), broken("b")])).await;
    assert_eq!((status, &told["refused"][0]["index"], &told["accepted"]), (422, &json!(1), &json!({})), "all of it or nothing");
    assert_eq!(ingest.records(DEAD_TOPIC).await.len(), 1);

    let dry = format!("/v1/dead/{id}/replay?dry_run=true");
    let (status, told) = ingest.send("POST", &dry, "application/json", lost("a").to_string()).await;
    assert_eq!((status, &told["outcome"], &told["accepted"]), (200, &json!("would_be_replayed"), &json!({ "deal.lost": 1 })));
    assert_eq!((ingest.records(EVENTS_TOPIC).await.len(), ingest.ids("").await), (0, vec![id.clone()]));

    let (status, told) = ingest.replay(&id, &lost("a")).await;
    assert_eq!((status, &told["outcome"], &told["accepted"]), (200, &json!("replayed"), &json!({ "deal.lost": 1 })), "{told}");
    assert!(told["position"].is_string(), "{told}");
    assert_eq!((ingest.ids("").await.len(), ingest.ids("state=replayed").await), (0, vec![id.clone()]));
    let (_, shown) = ingest.get_with_key(&format!("/v1/dead/{id}")).await;
    assert_eq!((&shown["state"], &shown["resolved_by"]), (&json!("replayed"), &json!("crm")));

    let (status, told) = ingest.replay(&id, &lost("a")).await;
    assert_eq!((status, &told["outcome"], &told["position"]), (200, &json!("already_replayed"), &Value::Null));
    let (_, told) = ingest.delete(&id).await;
    assert_eq!(told["outcome"], "already_replayed");
    assert_eq!((ingest.records(EVENTS_TOPIC).await.len(), ingest.records(DEAD_TOPIC).await.len()), (1, 2));

    // The same body once more is a new need.
    assert_eq!(refused(&ingest, &broken("a")).await, id);
    let (_, shown) = ingest.get_with_key(&format!("/v1/dead/{id}")).await;
    assert_eq!((&shown["state"], &shown["times"], shown.get("resolved_by")), (&json!("pending"), &json!(2), None));
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_and_wanted_after_all() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-drop", Config::default()).await;
    let id = refused(&ingest, &broken("a")).await;
    for outcome in ["dropped", "already_dropped"] {
        let (status, told) = ingest.delete(&id).await;
        assert_eq!((status, &told["outcome"]), (200, &json!(outcome)));
    }
    assert_eq!((ingest.ids("").await.len(), ingest.ids("state=dropped").await.len()), (0, 1));
    assert_eq!(ingest.replay(&id, &lost("a")).await.1["outcome"], "replayed");
    assert_eq!((ingest.ids("state=dropped").await.len(), ingest.ids("state=all").await.len()), (0, 1));
    let metrics = ingest.get("/metrics").await.1;
    for (how, count) in [("dropped", 1), ("replayed", 1)] {
        let line = format!("tidemark_ingest_dead_letters_resolved_total{{how=\"{how}\"}} {count}");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(metrics.contains("tidemark_ingest_dead_letters_total 1"), "{metrics}");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_each_for_itself() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "dead-many", Config::default()).await;
    for event in ["a", "b", "c", "d"].map(broken) {
        assert_eq!(ingest.post_json(&event).await.0, 422);
    }
    let ids = ingest.ids("").await;
    let line = |id: &str, events: Value| json!({ "id": id, "events": events }).to_string();
    let as_kept = json!({ "id": ids[2] }).to_string();
    let lines = [line(&ids[0], json!([lost("d")])), line(&ids[1], json!([broken("c")])), as_kept, line("nobody", json!([]))];
    for (path, replayed) in [("/v1/dead/replay?dry_run=true", "would_be_replayed"), ("/v1/dead/replay", "replayed")] {
        let (status, told) = ingest.send("POST", path, "application/x-ndjson", lines.join("\n")).await;
        let outcomes: Vec<&str> = told["letters"].as_array().unwrap().iter().map(|l| l["outcome"].as_str().unwrap()).collect();
        assert_eq!((status, outcomes), (200, vec![replayed, "refused", "refused", "not_found"]), "{told}");
    }
    assert_eq!((ingest.ids("").await, ingest.records(EVENTS_TOPIC).await.len()), (ids[1..].to_vec(), 1));
    let (_, told) = ingest.send("POST", "/v1/dead/drop", "application/json", json!({ "ids": ids }).to_string()).await;
    let dropped = told["letters"].as_array().unwrap().iter().filter(|letter| letter["outcome"] == "dropped").count();
    assert_eq!((dropped, ingest.ids("").await.len()), (3, 0));
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ones_own_and_only_what_is_understood() {
    let Some(kafka) = kafka::shared() else { return };
    let mut ingest = start(kafka.config(), "dead-own-one", Config::default()).await;
    let id = refused(&ingest, &broken("a")).await;
    let path = format!("/v1/dead/{id}/replay");
    for (path, body, status, code) in [
        (format!("{path}?dry=true"), String::new(), 400, "bad_question"),
        ("/v1/dead/nobody/replay".to_owned(), String::new(), 404, "unknown_letter"),
        ("/v1/dead/replay".to_owned(), "{\"id\": 1}".to_owned(), 400, "bad_question"),
        ("/v1/dead/replay".to_owned(), String::new(), 400, "bad_question"),
        ("/v1/dead/drop".to_owned(), "[]".to_owned(), 400, "bad_question"),
    ] {
        let (found, told) = ingest.send("POST", &path, "application/json", body).await;
        assert_eq!((found, &told["error"]["code"]), (status, &json!(code)), "{path}: {told}");
    }
    let (status, told) = ingest.send("POST", &path, "text/plain", "x".to_owned()).await;
    assert_eq!((status, &told["error"]["code"]), (415, &json!("content_type")));
    ingest.key = "key-of-other".to_owned();
    assert_eq!(ingest.get_with_key(&format!("/v1/dead/{id}")).await.0, 404);
    assert_eq!(ingest.replay(&id, &lost("a")).await.0, 404);
    assert_eq!(ingest.delete(&id).await.0, 404);
    ingest.key = "wrong".to_owned();
    assert_eq!(ingest.replay(&id, &lost("a")).await.0, 401);
    assert_eq!(ingest.delete(&id).await.0, 401);
    ingest.stop().await;
}
