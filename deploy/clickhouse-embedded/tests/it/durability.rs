//! `kill -9` while rows come in: what was acknowledged is there after the next start.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::server::Server;

const KILLS: u64 = 3;
const ACKNOWLEDGED_MIN: u64 = 20;

#[tokio::test]
async fn acknowledged_rows_outlive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = 0;
    for _ in 0..KILLS {
        let server = Server::start(dir.path()).await;
        server.sql("CREATE TABLE IF NOT EXISTS t (n UInt64, s String) ENGINE = MergeTree ORDER BY n").await;
        let acknowledged = AtomicU64::new(first);
        let inserts = async {
            for n in first.. {
                let row = format!("{n},{}\n", "x".repeat(1000));
                let request = server.request(&[("query", "INSERT INTO t FORMAT CSV")], row);
                match request.send().await.map(|response| response.status().as_u16()) {
                    Ok(200) => acknowledged.store(n + 1, Ordering::Release),
                    _ => return,
                }
            }
        };
        let kill = async {
            while acknowledged.load(Ordering::Acquire) < first + ACKNOWLEDGED_MIN {
                tokio::task::yield_now().await;
            }
            let id = server.id().to_string();
            assert!(std::process::Command::new("kill").args(["-9", &id]).status().unwrap().success());
        };
        tokio::join!(inserts, kill);
        let acknowledged = acknowledged.into_inner();
        drop(server);

        let server = Server::start(dir.path()).await;
        let counted = server.sql(&format!("SELECT uniqExact(n) FROM t WHERE n < {acknowledged}")).await;
        assert_eq!(counted, format!("{acknowledged}\n"));
        assert_eq!(server.sql("SELECT countIf(length(s) != 1000) FROM t").await, "0\n");
        first = acknowledged + 1;
        server.sql(&format!("INSERT INTO t SELECT {acknowledged}, repeat('x', 1000)")).await;
    }
}
