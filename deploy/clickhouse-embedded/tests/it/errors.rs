//! Errors: ClickHouse's statuses and codes, before and after the answer has begun.

use futures::StreamExt;

use crate::server::{Server, answer};

#[tokio::test]
async fn statuses_and_codes_are_clickhouses() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    for (sql, status, code) in [
        ("SELECT * FROM nowhere", 404, 60),
        ("SELECT nothing", 404, 47),
        ("SELECT nofunction(1)", 404, 46),
        ("SELEC 1", 400, 62),
        ("", 400, 62),
        ("SELECT 1; SELECT 2", 400, 62),
        ("INSERT INTO system.one VALUES (1); SELECT 1", 400, 62),
        ("DROP TABLE a; DROP TABLE b", 400, 62),
        ("SELECT throwIf(1)", 500, 395),
        ("SELECT 1 INTO OUTFILE 'x'", 500, 358),
        ("INSERT INTO t FROM INFILE 'x' FORMAT CSV", 500, 358),
        ("INSERT INTO t SELECT * FROM input('a Int8') FORMAT CSV\n1", 501, 48),
        ("SELECT sleepEachRow(1) FROM numbers(10) SETTINGS max_execution_time = 0.3, max_block_size = 1", 408, 159),
    ] {
        let refused = server.post(&[], sql).await;
        assert_eq!(refused.error(), (status, code), "{sql}: {}", refused.text());
    }
    assert_eq!(server.post(&[("database", "nowhere")], "SELECT 1").await.error(), (404, 81));
    assert_eq!(server.post(&[("no_such_setting", "1")], "SELECT 1").await.error(), (404, 115));
    assert_eq!(server.post(&[("max_threads", "many")], "SELECT 1").await.error(), (400, 27));
    assert_eq!(server.sql("SELECT 'fine'").await, "fine\n");
}

#[tokio::test]
async fn an_error_after_the_answer_has_begun_breaks_it_off() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let sql = "SELECT throwIf(number = 3000000, 'too far') FROM numbers(10000000)";
    let response = server.request(&[], sql).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let tag = response.headers()["x-clickhouse-exception-tag"].to_str().unwrap().to_owned();
    let (mut body, mut broke) = (Vec::new(), false);
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(_) => broke = true,
        }
    }
    let text = String::from_utf8_lossy(&body[body.len() - 1000..]).into_owned();
    assert!(broke, "the answer ended as if it were whole: {text}");
    assert!(text.ends_with(&format!(" {tag}\r\n__exception__\r\n")), "{text}");
    assert!(text.contains("Code: 395. DB::Exception: too far"), "{text}");
}

#[tokio::test]
async fn waiting_for_the_end_gives_a_late_error_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let sql = "SELECT throwIf(number = 3000000) FROM numbers(10000000)";
    assert_eq!(server.post(&[("wait_end_of_query", "1")], sql).await.error(), (500, 395));
}

#[tokio::test]
async fn too_many_waiting_requests_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--connections", "1", "--waiting-max", "1"]).await;
    let slow = "SELECT sleep(1)";
    let requests = (0..5).map(|_| async { answer(server.request(&[], slow).send().await.unwrap()).await });
    let answers = futures::future::join_all(requests).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).map(|answer| answer.error()).collect();
    assert_eq!(refused, [(500, 202); 3]);
}

#[tokio::test]
async fn a_body_over_its_bound_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_with(dir.path(), &["--body-bytes-max", "1000000"]).await;
    server.sql("CREATE TABLE t (s String) ENGINE = MergeTree ORDER BY s").await;
    let insert = [("query", "INSERT INTO t FORMAT CSV")];
    let refused = server.post(&insert, "x".repeat(1_000_001)).await;
    assert_eq!(refused.error(), (413, 229));
    server.post(&insert, "x".repeat(1_000_000)).await.good();
}
