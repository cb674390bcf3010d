//! The schema registry as Confluent's clients ask it: shapes, error codes, and that every id in a record leads to its schema.

use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::events::{
    EventType,
    wire::{current_schema, schemas},
};

use crate::{
    kafka,
    server::{Ingest, answer, start},
};

async fn get(ingest: &Ingest, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}{path}", ingest.url)).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/vnd.schemaregistry.v1+json", "{path}");
    answer(response).await
}

async fn post(ingest: &Ingest, path: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}{path}", ingest.url));
    let request = request.header("content-type", "application/vnd.schemaregistry.v1+json").body(body.to_string());
    answer(request.send().await.unwrap()).await
}

fn code(told: &(u16, Value)) -> (u16, u64) {
    assert!(told.1["message"].is_string(), "{told:?}");
    (told.0, told.1["error_code"].as_u64().unwrap())
}

fn won() -> Value {
    serde_json::from_str(current_schema(EventType::DealWon).text).unwrap()
}

/// `deal.won` with one more field in its data.
fn with_field(field: Value) -> Value {
    let mut schema = won();
    let fields = schema["fields"].as_array_mut().unwrap();
    fields.last_mut().unwrap()["type"]["fields"].as_array_mut().unwrap().push(field);
    json!({ "schema": schema.to_string(), "schemaType": "AVRO" })
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_versions_and_ids() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "registry", Config::default()).await;
    let (status, names) = get(&ingest, "/subjects").await;
    assert_eq!((status, names.as_array().unwrap().len()), (200, EventType::ALL.len()));
    assert_eq!(get(&ingest, "/subjects/deal.won/versions").await, (200, json!([1])));
    let current = current_schema(EventType::DealWon);
    let version = json!({ "subject": "deal.won", "version": 1, "id": current.id, "schema": current.text });
    for path in ["latest", "-1", "1"] {
        assert_eq!(get(&ingest, &format!("/subjects/deal.won/versions/{path}")).await, (200, version.clone()));
    }
    assert_eq!(get(&ingest, "/subjects/deal.won/versions/1/referencedby").await, (200, json!([])));
    assert_eq!(ingest.get("/subjects/deal.won/versions/latest/schema").await, (200, current.text.to_owned()));
    for schema in schemas() {
        let path = format!("/schemas/ids/{}?subject={}", schema.id, schema.event_type.name());
        assert_eq!(get(&ingest, &path).await, (200, json!({ "schema": schema.text })));
    }
    let id = current.id;
    let versions = json!([{ "subject": "deal.won", "version": 1 }]);
    assert_eq!(get(&ingest, &format!("/schemas/ids/{id}/versions")).await, (200, versions));
    assert_eq!(get(&ingest, &format!("/schemas/ids/{id}/subjects")).await, (200, json!(["deal.won"])));
    assert_eq!(get(&ingest, "/schemas/types").await, (200, json!(["AVRO"])));
    assert_eq!(get(&ingest, "/schemas").await.1.as_array().unwrap().len(), schemas().len());
    assert_eq!(get(&ingest, "/config/deal.won").await, (200, json!({ "compatibilityLevel": "FULL_TRANSITIVE" })));
    assert_eq!(get(&ingest, "/mode").await, (200, json!({ "mode": "READONLY" })));

    for (path, expected) in [
        ("/subjects/deal.sold/versions", (404, 40_401)),
        ("/subjects/deal.sold/versions/1", (404, 40_401)),
        ("/subjects/deal.won/versions/9", (404, 40_402)),
        ("/subjects/deal.won/versions/0", (422, 42_202)),
        ("/subjects/deal.won/versions/newest", (422, 42_202)),
        ("/schemas/ids/0", (404, 40_403)),
        ("/schemas/ids/100000", (404, 40_403)),
        ("/schemas/ids/x", (404, 40_403)),
    ] {
        assert_eq!(code(&get(&ingest, path).await), expected, "{path}");
    }
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lookup_registration_and_compatibility() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "registry-post", Config::default()).await;
    let id = current_schema(EventType::DealWon).id;
    // The same schema in one line, and as another program would order it.
    let same = json!({ "schema": won().to_string() });
    let (status, told) = post(&ingest, "/subjects/deal.won", &same).await;
    assert_eq!((status, &told["id"], &told["version"], &told["subject"]), (200, &json!(id), &json!(1), &json!("deal.won")));
    assert_eq!(post(&ingest, "/subjects/deal.won/versions", &same).await, (200, json!({ "id": id })));

    let optional = with_field(json!({ "name": "discount", "type": ["null", "string"], "default": null }));
    let required = with_field(json!({ "name": "discount", "type": "string" }));
    for (path, body, expected) in [
        ("/subjects/deal.won", &optional, (404, 40_403)),
        ("/subjects/deal.lost", &same, (404, 40_403)),
        ("/subjects/deal.sold", &same, (404, 40_401)),
        ("/subjects/deal.won/versions", &optional, (422, 42_205)),
        ("/subjects/deal.sold/versions", &same, (422, 42_205)),
        ("/subjects/deal.won", &json!({ "schema": "{" }), (422, 42_201)),
        ("/subjects/deal.won", &json!({ "schema": "{}", "schemaType": "JSON" }), (422, 42_201)),
        ("/subjects/deal.won", &json!(7), (422, 42_201)),
        ("/compatibility/subjects/deal.sold/versions/1", &same, (404, 40_401)),
        ("/compatibility/subjects/deal.won/versions/2", &same, (404, 40_402)),
        ("/compatibility/subjects/deal.won/versions/1", &json!({ "schema": "{\"type\":\"recod\"}" }), (422, 42_201)),
    ] {
        assert_eq!(code(&post(&ingest, path, body).await), expected, "{path}: {body}");
    }
    let rescaled = json!({ "schema": won().to_string().replace("\"scale\":6", "\"scale\":2") });
    for (body, is_compatible) in [(&same, true), (&optional, true), (&required, false), (&rescaled, false)] {
        for path in ["versions", "versions/latest", "versions/1"] {
            let told = post(&ingest, &format!("/compatibility/subjects/deal.won/{path}"), body).await;
            assert_eq!(told, (200, json!({ "is_compatible": is_compatible })), "{path}");
        }
    }
    let (_, told) = post(&ingest, "/compatibility/subjects/deal.won/versions/1?verbose=true", &required).await;
    let messages = told["messages"].as_array().unwrap();
    assert!(messages.len() == 1 && messages[0].as_str().unwrap().contains("cannot read records of version 1"), "{told}");
    ingest.stop().await;
}
