//! The whole projector against a real Kafka and a real engine: `crm.dead` becomes rows that no crash, repeat or absent table changes.

use std::{path::Path, sync::Arc, time::Duration};

use clickhouse::Client;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::json;
use tidemark_projector::{Config, Error, Files, run};
use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig, RegistryConfig},
    log::{ALERTS_TOPIC, CHANGES_TOPIC, DEAD_TOPIC, EVENTS_TOPIC},
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{engine, kafka, organisation::Organisation};

/// On a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(90);
const ROWS: &str = "SELECT id, source, state, reasons, times, resolved_by FROM dead_letters FINAL WHERE tenant = ? ORDER BY id";

struct Stack {
    kafka: KafkaConfig,
    clickhouse: ClickHouseConfig,
    client: Client,
    producer: FutureProducer,
}

struct Running {
    metrics_url: String,
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), Error>>,
}

impl Stack {
    async fn new(brokers: &str, url: &str) -> Self {
        let kafka = KafkaConfig { brokers: brokers.to_owned(), partitions: 2, replication: 1 };
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", brokers);
        let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
        let topics = [EVENTS_TOPIC, DEAD_TOPIC, CHANGES_TOPIC, ALERTS_TOPIC];
        let topics = topics.map(|topic| NewTopic::new(topic, kafka.partitions, TopicReplication::Fixed(1)));
        admin.create_topics(&topics, &AdminOptions::new()).await.unwrap();
        let producer = client.set("partitioner", "murmur2_random").create().unwrap();
        let clickhouse = ClickHouseConfig { url: url.to_owned(), database: "dead".to_owned(), ..ClickHouseConfig::default() };
        let client = Client::default().with_url(url).with_database("dead");
        Self { kafka, clickhouse, client, producer }
    }

    fn start(&self, state: &Path) -> Running {
        let organisation = Organisation::new();
        let listen = ([127, 0, 0, 1], kafka::free_port()).into();
        let config = Config { listen, state_dir: state.to_owned(), retry_ms_max: 200, ..Config::default() };
        let shutdown = CancellationToken::new();
        let files: Files = Arc::new(move || Ok(organisation.definitions.clone()));
        let (kafka, clickhouse, registry) = (self.kafka.clone(), self.clickhouse.clone(), RegistryConfig::default());
        let run = run(config, kafka, clickhouse, registry, files, shutdown.clone());
        Running { metrics_url: format!("http://{listen}/metrics"), shutdown, run: tokio::spawn(run) }
    }

    async fn send(&self, topic: &str, tenant: &str, value: &[u8]) {
        let record = FutureRecord::to(topic).key(tenant).payload(value);
        self.producer.send(record, Duration::from_secs(30)).await.unwrap();
    }

    async fn letter(&self, tenant: &str, id: &str, code: &str) {
        let letter = json!({ "id": id, "tenant": tenant, "source": "crm", "received_at": 1_777_600_000_000_i64,
            "reasons": [{ "code": code, "field": "data.x", "message": "Jane Doe" }], "encoding": "text", "body": "Jane Doe" });
        self.send(DEAD_TOPIC, tenant, letter.to_string().as_bytes()).await;
    }

    async fn resolve(&self, id: &str, how: &str) {
        let value =
            json!({ "id": id, "tenant": "acme", "resolution": how, "resolved_at": 1_777_600_001_000_i64, "resolved_by": "crm" });
        self.send(DEAD_TOPIC, "acme", value.to_string().as_bytes()).await;
    }

    async fn text(&self, sql: &str, tenant: &str) -> String {
        let Ok(mut bytes) = self.client.query(sql).bind(tenant).fetch_bytes("TSV") else { return String::new() };
        let bytes = bytes.collect().await.map(|bytes| bytes.to_vec()).unwrap_or_default();
        String::from_utf8(bytes).unwrap().replace('\t', " ")
    }

    /// Waits until the tenant's rows are these lines.
    async fn expect(&self, tenant: &str, expected: &[&str]) {
        let deadline = Instant::now() + SOON;
        loop {
            let found = self.text(ROWS, tenant).await;
            if found.lines().eq(expected.iter().copied()) {
                return;
            }
            assert!(Instant::now() < deadline, "{tenant}: {found}\ninstead of {expected:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.run.await.unwrap().unwrap();
    }

    async fn expect_gauge(&self, line: &str) {
        let deadline = Instant::now() + SOON;
        loop {
            let metrics = reqwest::get(&self.metrics_url).await.unwrap().text().await.unwrap();
            if metrics.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < deadline, "{line} is not in {metrics}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_follow_the_topic_whatever_happens() {
    let Some(url) = tokio::task::spawn_blocking(engine::url).await.unwrap() else { return };
    let Some(kafka) = tokio::task::spawn_blocking(kafka::start).await.unwrap() else { return };
    let stack = Stack::new(&kafka.brokers, &url).await;
    let state = tempfile::tempdir().unwrap();
    for (id, code) in [("a", "empty"), ("b", "too_long"), ("a", "empty")] {
        stack.letter("acme", id, code).await;
    }
    stack.send(DEAD_TOPIC, "acme", b"neither").await;
    stack.resolve("a", "replayed").await;
    stack.resolve("nobody", "dropped").await;
    stack.letter("other", "a", "empty").await;
    let mut running = stack.start(state.path());
    let a = "a crm replayed empty data.x 2 crm";
    stack.expect("acme", &[a, "b crm pending too_long data.x 1 \\N"]).await;
    stack.expect("other", &["a crm pending empty data.x 1 \\N"]).await;
    running.expect_gauge("tidemark_projector_dead_letters_pending{tenant=\"acme\"} 1").await;
    assert!(
        !stack.text("SELECT * FROM dead_letters WHERE tenant = ?", "acme").await.contains("Jane"),
        "what was in it stays in it"
    );

    // More than one question's and one batch's worth.
    for _ in 0..2 {
        let ids: Vec<String> = (0..1_200).map(|number| format!("{number:064}")).collect();
        futures::future::join_all(ids.iter().map(|id| stack.letter("many", id, "empty"))).await;
    }
    let twice = "SELECT countIf(times = 2) FROM dead_letters FINAL WHERE tenant = ?";
    let deadline = Instant::now() + SOON;
    while stack.text(twice, "many").await.trim() != "1200" {
        assert!(Instant::now() < deadline, "{}", stack.text(twice, "many").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.expect_gauge("tidemark_projector_dead_letters_pending{tenant=\"many\"} 1200").await;

    // Stopped, it reads on where it was; with its marks gone, all of it again.
    for forgets in [false, true] {
        running.stop().await;
        stack.resolve("b", if forgets { "replayed" } else { "dropped" }).await;
        if forgets {
            stack.client.query("TRUNCATE TABLE dead_marks").execute().await.unwrap();
        }
        running = stack.start(state.path());
        let b = format!("b crm {} too_long data.x 1 crm", if forgets { "replayed" } else { "dropped" });
        stack.expect("acme", &[a, &b]).await;
    }
    running.expect_gauge("tidemark_projector_dead_letters_pending{tenant=\"acme\"} 0").await;

    // The table away: the numbers go on, the letters wait.
    stack.client.query("RENAME TABLE dead_letters TO hidden").execute().await.unwrap();
    stack.letter("acme", "c", "empty").await;
    // A record of the log that says nothing is a letter of the projector's own.
    stack.send(EVENTS_TOPIC, "acme", b"garbage").await;
    let deadline = Instant::now() + SOON;
    while stack.text("SELECT max(position) FROM heartbeats WHERE ? = 'acme'", "acme").await.trim() != "0" {
        assert!(Instant::now() < deadline, "the numbers wait for the dead letters");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stack.client.query("RENAME TABLE hidden TO dead_letters").execute().await.unwrap();
    running.expect_gauge("tidemark_projector_dead_letters_pending{tenant=\"acme\"} 2").await;
    let rows = stack.text(ROWS, "acme").await;
    assert!(rows.contains("tidemark-projector pending unreadable_record 1"), "{rows}");
    complete(&stack).await;
    running.stop().await;
}

/// Both partitions say that they were read to the end a moment ago.
async fn complete(stack: &Stack) {
    let sql = "SELECT count() FROM dead_marks FINAL WHERE ? = '' AND complete_at > now64(3) - INTERVAL 5 SECOND";
    let deadline = Instant::now() + SOON;
    while stack.text(sql, "").await.trim() != "2" {
        assert!(Instant::now() < deadline, "{}", stack.text("SELECT * FROM dead_marks FINAL WHERE ? = ''", "").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
