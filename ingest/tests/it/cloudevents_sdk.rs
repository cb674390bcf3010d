//! The CloudEvents Python SDK: what it sends, structured, binary and as a batch, is in the topic as it was sent.

use std::path::Path;

use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::{
    events::{Event, wire},
    log::EVENTS_TOPIC,
};

use crate::{kafka, python, server::start};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/python/cloudevents_client.py");

#[tokio::test(flavor = "multi_thread")]
async fn what_it_sends_is_in_the_topic() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "cloudevents-sdk", Config::default()).await;
    let (url, key) = (ingest.url.clone(), ingest.key.clone());
    let said = tokio::task::spawn_blocking(move || python::run(Path::new(SCRIPT), &[&url, &key])).await.unwrap();
    let sent: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sent.len(), 206);
    let records = ingest.records(EVENTS_TOPIC).await;
    let found: Vec<Value> = records.iter().map(|record| as_sent(&wire::decode(record).unwrap())).collect();
    for (sent, found) in sent.iter().zip(&found) {
        assert_eq!(&expected(sent), found, "{sent}");
    }
    assert_eq!(found.len(), sent.len());
    ingest.stop().await;
}

/// What of a sent event is in the log. A retraction needs no more than its identity.
fn expected(sent: &Value) -> Value {
    let retracted = sent["retracted"] == true;
    let whole = |value: &Value| if retracted { Value::Null } else { value.clone() };
    json!({
        "id": sent["id"], "source": sent["source"], "retracted": retracted,
        "type": if retracted { "event.retracted" } else { sent["type"].as_str().unwrap() },
        "revision": sent.get("revision").unwrap_or(&json!(0)),
        "time_ms": whole(&sent["time_ms"]), "accountid": whole(&sent["accountid"]), "repid": whole(&sent["repid"]),
        "data": whole(&sent["data"]),
    })
}

fn as_sent(event: &Event) -> Value {
    let envelope = &event.envelope;
    let mut data = wire::payload_to_json(&event.data).unwrap();
    data.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let whole = |value: Value| if envelope.retracted { Value::Null } else { value };
    json!({
        "id": envelope.event_id, "source": envelope.source, "retracted": envelope.retracted,
        "type": event.data.event_type().name(), "revision": envelope.revision,
        "time_ms": whole(envelope.occurred_at.into()), "accountid": envelope.account_id, "repid": envelope.rep_id,
        "data": whole(data),
    })
}
