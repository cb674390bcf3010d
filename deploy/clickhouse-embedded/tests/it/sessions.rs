//! `session_id`: what stays with a session, what does not, and how sessions end.

use crate::server::Server;

const SESSION: (&str, &str) = ("session_id", "s-1");
const THREADS: &str = "SELECT getSetting('max_threads'), currentDatabase()";

#[tokio::test]
async fn a_session_keeps_what_it_sets_and_not_what_a_url_sets() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    server.post(&[SESSION], "SET max_threads = 3").await.good();
    server.post(&[SESSION], "CREATE TEMPORARY TABLE scratch (a UInt8)").await.good();
    server.post(&[SESSION, ("query", "INSERT INTO scratch VALUES")], "(7)").await.good();
    assert_eq!(server.post(&[SESSION], "SELECT a FROM scratch").await.good(), "7\n");
    assert_eq!(server.post(&[SESSION, ("max_threads", "5"), ("database", "system")], THREADS).await.good(), "5\tsystem\n");
    assert_eq!(server.post(&[SESSION], THREADS).await.good(), "3\tdefault\n");
    server.post(&[SESSION, ("max_threads", "5")], "SELECT throwIf(1)").await.error();
    server.post(&[SESSION, ("max_threads", "5"), ("no_such", "1")], "SELECT 1").await.error();
    assert_eq!(server.get(&[SESSION, ("query", THREADS)]).await.good(), "3\tdefault\n");
    assert_eq!(server.get(&[SESSION, ("query", "DROP TABLE scratch")]).await.error(), (500, 164));
    assert_ne!(server.sql(THREADS).await, "3\tdefault\n");
}

#[tokio::test]
async fn a_session_is_used_by_one_request_at_a_time_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).await;
    let check = ("session_check", "1");
    assert_eq!(server.post(&[SESSION, check], "SELECT 1").await.error(), (500, 372));
    server.post(&[SESSION, ("session_timeout", "3")], "SELECT 1").await.good();
    let (slow, second) = tokio::join!(server.post(&[SESSION], "SELECT sleep(1)"), async {
        while server.running().await == 0 {
            tokio::task::yield_now().await;
        }
        server.post(&[SESSION], "SELECT 1").await
    });
    slow.good();
    assert_eq!(second.error(), (500, 373));
    server.post(&[SESSION, check, ("session_timeout", "0")], "SELECT 1").await.good();
    assert_eq!(server.post(&[SESSION, check], "SELECT 1").await.error(), (500, 372));
    assert_eq!(server.post(&[SESSION, ("session_timeout", "x")], "SELECT 1").await.error().1, 374);
}
