//! What is accepted is in Kafka when the answer comes: as it was sent, under its tenant, at the position that was told.

use serde_json::{Value, json};
use tidemark_ingest::Config;
use tidemark_schemas::{
    events::{Data, wire},
    log::{EVENTS_TOPIC, Position, partition_of},
};

use crate::{
    kafka,
    server::{NOW, answer, start},
};

fn won(event_id: &str, amount: &str) -> Value {
    json!({
        "type": "deal.won", "event_id": event_id, "account_id": "A-1001", "rep_id": "R-7",
        "occurred_at": "2026-03-05T16:20:00+08:00", "recorded_at": "2026-03-05T18:02:11+08:00",
        "data": { "deal_id": "D-1", "amount": amount, "currency": "CNY" }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_end_to_end() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "end-to-end", Config::default()).await;
    let (status, answer) = ingest.post_json(&won("006A1:won", "120000.00")).await;
    assert_eq!((status, &answer["accepted"], &answer["refused"]), (200, &json!(1), &json!([])), "{answer}");

    let position: Position = answer["position"].as_str().unwrap().parse().unwrap();
    assert_eq!(position.partition, partition_of("end-to-end", 4));
    let records = ingest.records(EVENTS_TOPIC).await;
    let event = wire::decode(&records[0]).unwrap();
    assert_eq!(event.envelope.source, "crm");
    assert_eq!(event.envelope.received_at, NOW);
    assert_eq!(event.envelope.occurred_at, 1_772_698_800_000);
    let Data::DealWon(won) = event.data else { panic!("{event:?}") };
    assert_eq!(won.amount.unwrap().to_string(), "120000");
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_arrays_and_lines() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "forms", Config::default()).await;
    let lines = format!("{}\n{}\n", won("c", "3"), won("d", "4"));
    let forms = [
        ("application/json; charset=utf-8", won("a", "1").to_string(), 1),
        ("application/json", json!([won("a", "1"), won("b", "2")]).to_string(), 2),
        ("application/x-ndjson", lines.clone(), 2),
        ("application/json", lines, 2),
    ];
    let mut positions = Vec::new();
    for (content_type, body, expected) in forms {
        let (status, answer) = answer(ingest.post(content_type, body).send().await.unwrap()).await;
        assert_eq!((status, &answer["accepted"]), (200, &json!(expected)), "{answer}");
        positions.push(answer["position"].as_str().unwrap().parse::<Position>().unwrap());
    }
    assert!(positions.is_sorted() && positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
    let ids: Vec<String> =
        ingest.records(EVENTS_TOPIC).await.iter().map(|record| wire::decode(record).unwrap().envelope.event_id).collect();
    assert_eq!(ids, ["a", "a", "b", "c", "d", "c", "d"], "the order of the bodies, duplicates included");
    ingest.stop().await;
}
