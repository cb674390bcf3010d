//! Nothing of one request reaches another: settings, SET, USE, temporary tables, errors, cancellations.

use std::time::Duration;

use futures::future::join_all;

use crate::server::Server;

const THREADS: &str = "SELECT getSetting('max_threads'), currentDatabase()";

#[tokio::test]
async fn settings_end_with_their_request() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--connections", "2"]).await;
    let plain = server.sql(THREADS).await;
    assert_eq!(server.post(&[("max_threads", "1"), ("database", "system")], THREADS).await.good(), "1\tsystem\n");
    server.sql("SET max_threads = 1").await;
    server.sql("USE system").await;
    server.post(&[("max_threads", "1")], "SELECT throwIf(1)").await.error();
    server.post(&[("max_threads", "1")], "not sql").await.error();
    let given_up = server.request(&[("max_threads", "1")], "SELECT sleep(3)").timeout(Duration::from_millis(200)).send().await;
    assert!(given_up.is_err());
    for _ in 0..4 {
        assert_eq!(server.sql(THREADS).await, plain);
    }
}

#[tokio::test]
async fn concurrent_requests_keep_their_own_settings() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let requests = (0..60_usize).map(|at| {
        let (server, threads) = (&server, (at % 3 + 1).to_string());
        async move {
            let zone = ["UTC", "Asia/Shanghai", "America/New_York"][at % 3];
            let settings = [("max_threads", threads.as_str()), ("session_timezone", zone), ("param_z", zone)];
            let sql = "SELECT getSetting('max_threads'), timezone() = {z:String}, sleep(0.02)";
            assert_eq!(server.post(&settings, sql).await.good(), format!("{threads}\t1\t0\n"));
        }
    });
    join_all(requests).await;
}

#[tokio::test]
async fn temporary_tables_end_with_their_request() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TEMPORARY TABLE scratch (a UInt8)").await;
    assert_eq!(server.post(&[], "SELECT * FROM scratch").await.error(), (404, 60));
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--connections", "1"]).await;
    for at in 0..60 {
        // Around the query's end, so that its kill is on the way when the connection would serve the next one.
        let limit = Duration::from_millis(20 + at % 12);
        let given_up = server.request(&[], "SELECT sleep(0.02)").timeout(limit).send().await;
        let next = server.post(&[], "SELECT sleep(0.01), getSetting('log_comment') != ''").await.good();
        assert_eq!(next, "0\t1\n", "{given_up:?}");
    }
}

#[tokio::test]
async fn sixteen_clients_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("CREATE TABLE t (client UInt32, n UInt32) ENGINE = MergeTree ORDER BY (client, n)").await;
    let clients = (0..16_u32).map(|client| {
        let server = &server;
        async move {
            for n in 0..20 {
                let row = format!("({client}, {n})");
                server.post(&[("query", "INSERT INTO t VALUES")], row).await.good();
                let own = format!("SELECT count() FROM t WHERE client = {client}");
                assert_eq!(server.sql(&own).await, format!("{}\n", n + 1));
            }
        }
    });
    join_all(clients).await;
    assert_eq!(server.sql("SELECT count(), uniqExact(client, n) FROM t").await, "320\t320\n");
}
