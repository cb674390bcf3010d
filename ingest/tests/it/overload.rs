//! Too much at once, too slowly, or at a bad moment: bounded, told, and what was begun is finished.
//! What a whole process does under ten times its load is in deploy/tidemark/tests/it/overload.rs.

use std::time::{Duration, Instant};

use serde_json::json;
use tidemark_ingest::Config;
use tidemark_schemas::log::EVENTS_TOPIC;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    bad_requests::lost,
    kafka,
    server::{Ingest, answer, start},
};

/// A request whose body is sent in two parts, the second when the test wants it.
struct Halved {
    stream: TcpStream,
    rest: Vec<u8>,
}

async fn connect(ingest: &Ingest) -> TcpStream {
    TcpStream::connect(ingest.url.trim_start_matches("http://")).await.unwrap()
}

async fn begin(ingest: &Ingest, event_id: &str) -> Halved {
    let body = lost(event_id).to_string().into_bytes();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: ingest\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        ingest.key,
        body.len()
    );
    let mut stream = connect(ingest).await;
    let (first, rest) = body.split_at(10);
    stream.write_all(&[head.as_bytes(), first].concat()).await.unwrap();
    Halved { stream, rest: rest.to_vec() }
}

impl Halved {
    async fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).await.unwrap();
        read_some(&mut self.stream).await
    }
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut bytes)).await.expect("an answer").unwrap();
    String::from_utf8(bytes[..read].to_vec()).unwrap()
}

/// Waits until so many bodies of less than a KiB are being read.
async fn until_begun(ingest: &Ingest, bodies: usize) {
    let (started, line) = (Instant::now(), format!("tidemark_ingest_in_flight_bytes {}", bodies * 1024));
    while !ingest.get("/metrics").await.1.lines().any(|told| told == line) {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", ingest.get("/metrics").await.1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_may_be_are_turned_away_at_once() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "shed", Config { requests_max: 2, ..Config::default() }).await;
    let held = [begin(&ingest, "a").await, begin(&ingest, "b").await];
    until_begun(&ingest, 2).await;
    let response = ingest.post("application/json", lost("more").to_string()).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, told) = answer(response).await;
    assert_eq!((status, &told["error"]["code"]), (503, &json!("overload")), "{told}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ingest.get(path).await.0, 200, "{path}");
    }
    assert_eq!(ingest.get("/subjects").await.0, 503);
    for halved in held {
        assert!(halved.finish().await.starts_with("HTTP/1.1 200"));
    }
    assert_eq!(ingest.post_json(&lost("c")).await.0, 200);
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_and_silent_ones_end() {
    let Some(kafka) = kafka::shared() else { return };
    let config = Config { connections_max: 2, header_timeout_ms: 700, ..Config::default() };
    let ingest = start(kafka.config(), "connections", config).await;
    let mut slow = connect(&ingest).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: in").await.unwrap();
    let mut idle = connect(&ingest).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: ingest\r\n\r\n").await.unwrap();
    assert!(read_some(&mut idle).await.starts_with("HTTP/1.1 200"));
    let mut third = connect(&ingest).await;
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: ingest\r\n\r\n").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), third.readable()).await;
    assert!(early.is_err(), "a third connection waits for its turn");
    assert!(read_some(&mut third).await.starts_with("HTTP/1.1 200"), "one that was silent too long made room");
    assert_eq!(read_some(&mut idle).await, "");
    let told = read_some(&mut slow).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
    ingest.stop().await;
}

/// Unread bytes make the system reset a connection that is closed, which would take the answer with it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_while_sending_still_hears_why() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "read-out", Config::default()).await;
    let head = "POST /v1/events HTTP/1.1\r\nhost: ingest\r\ncontent-type: application/json\r\ncontent-length: 4000000\r\n\r\n";
    for _ in 0..5 {
        let mut stream = connect(&ingest).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..40 {
            stream.write_all(&[b' '; 100_000]).await.expect("it is read, though refused");
        }
        assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 401"));
    }
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_arriving_when_the_stop_comes_is_taken() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "arriving", Config { requests_max: 1, ..Config::default() }).await;
    let halved = begin(&ingest, "begun").await;
    until_begun(&ingest, 1).await;
    // An answer shows that it was accepted: one that still waits in the system's queue would be reset with the listener.
    let mut idle = connect(&ingest).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: ingest\r\n\r\n").await.unwrap();
    assert!(read_some(&mut idle).await.starts_with("HTTP/1.1 200"));
    let (kafka_config, tenant) = (ingest.kafka.clone(), ingest.tenant.clone());
    let address = ingest.url.trim_start_matches("http://").to_owned();
    let stopped = tokio::spawn(ingest.stop());
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(read_some(&mut idle).await, "", "a connection without a request ends at once");
    assert!(!stopped.is_finished(), "it waits for what has begun");
    let told = halved.finish().await;
    assert!(told.starts_with("HTTP/1.1 200") && told.contains("\"accepted\":1"), "{told}");
    tokio::time::timeout(Duration::from_secs(5), stopped).await.expect("stops in time").unwrap();
    let again = start(kafka_config, &tenant, Config::default()).await;
    let records = again.records(EVENTS_TOPIC).await;
    assert!(records.iter().any(|record| String::from_utf8_lossy(record).contains("begun")));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_lead_from_the_answer_to_the_dead_letter() {
    let Some(kafka) = kafka::shared() else { return };
    let ingest = start(kafka.config(), "request-ids", Config::default()).await;
    let ask = async |sent: Option<&str>| {
        let mut request = ingest.post("application/json", json!({ "type": "nothing" }).to_string());
        if let Some(sent) = sent {
            request = request.header("x-request-id", sent);
        }
        let response = request.send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        let told = answer(response).await.1;
        assert_eq!(told["error"]["request_id"], id, "{told}");
        id
    };
    assert_eq!(ask(Some("crm-7.4:a_B")).await, "crm-7.4:a_B");
    let long = "a".repeat(65);
    for odd in ["", "ann@example.com", "two words", "a\"b", &long] {
        let id = ask(Some(odd)).await;
        assert!(id != odd && id.len() == 32, "{odd:?} became {id:?}");
    }
    assert_ne!(ask(None).await, ask(None).await);
    let letters = ingest.get_with_key("/v1/dead?limit=1000").await.1;
    assert!(letters.to_string().contains("request_id"), "{letters}");
    let response = reqwest::get(format!("{}/healthz", ingest.url)).await.unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    ingest.stop().await;
}
