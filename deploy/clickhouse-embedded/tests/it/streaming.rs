//! Long answers stream in bounded memory, and a client that goes away takes its query with it.

use std::time::{Duration, Instant};

use futures::StreamExt;

use crate::server::Server;

#[tokio::test]
async fn a_gigabyte_passes_through_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.sql("SELECT 1").await;
    let before = server.memory_peak();
    let sql = "SELECT number, repeat('x', 100) FROM numbers(10000000) FORMAT RowBinary";
    let mut pieces = server.request(&[], sql).send().await.unwrap().bytes_stream();
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        bytes += piece.unwrap().len();
    }
    assert_eq!(bytes, 10_000_000 * 109);
    let grown = server.memory_peak() - before;
    assert!(grown < 256 << 20, "{grown} bytes for an answer of {bytes}");
}

#[tokio::test]
async fn the_first_rows_come_before_the_last_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let sql = "SELECT number FROM numbers(1000000000000) FORMAT RowBinary";
    let mut pieces = server.request(&[], sql).send().await.unwrap().bytes_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    assert_eq!(server.running().await, 1);
    drop(pieces);
    server.idle_within(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn queries_end_with_their_clients() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--connections", "2"]).await;
    server.sql("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
    for sql in [
        "SELECT count() FROM numbers(1000000000000) WHERE rand() % 7 = 1",
        "INSERT INTO t SELECT number FROM numbers(1000000000000) WHERE number % 7000000 = 1",
        "SELECT number FROM numbers(1000000000000) ORDER BY rand() LIMIT 1",
    ] {
        let started = Instant::now();
        let request = server.request(&[], sql).timeout(Duration::from_millis(300)).send();
        assert!(request.await.is_err(), "{sql}");
        server.idle_within(Duration::from_secs(5)).await;
        assert!(started.elapsed() < Duration::from_secs(6));
    }
    // Both connections are free again.
    let both = futures::future::join_all((0..2).map(|_| server.sql("SELECT 1"))).await;
    assert_eq!(both, ["1\n", "1\n"]);
}
