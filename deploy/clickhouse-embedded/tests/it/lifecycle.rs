//! Start, stop, and what must not start.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::server::{self, Server};

#[tokio::test]
async fn a_signal_ends_it_soon_even_under_load() {
    for signal in ["TERM", "INT"] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(dir.path()).await;
        server.sql("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a").await;
        server.sql("INSERT INTO t SELECT number FROM numbers(1000)").await;
        let endless = server.request(&[], "SELECT count() FROM numbers(1000000000000) WHERE rand() % 7 = 1").send();
        let endless = tokio::spawn(endless);
        while server.running().await == 0 {
            tokio::task::yield_now().await;
        }
        let asked = Instant::now();
        let ended = tokio::task::spawn_blocking(move || server.signal(signal)).await.unwrap();
        assert!(ended.success() && asked.elapsed() < Duration::from_secs(5), "{ended} {:?}", asked.elapsed());
        assert!(endless.await.unwrap().map_or(true, |response| !response.status().is_success()));
        let again = Server::start(dir.path()).await;
        assert_eq!(again.sql("SELECT count() FROM t").await, "1000\n");
    }
}

#[tokio::test]
async fn one_engine_per_directory_and_only_on_loopback() {
    let dir = tempfile::tempdir().unwrap();
    let _server = Server::start(dir.path()).await;
    for (path, listen, reason) in [
        (dir.path().to_owned(), "127.0.0.1:0", "in use by another engine"),
        (dir.path().join("other"), "0.0.0.0:0", "not a loopback address"),
    ] {
        let refused = server::command(&path, listen).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn it_dies_with_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let command = server::command(dir.path(), "127.0.0.1:0");
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    // The shell tells the engine's id and ends once the engine has locked its directory.
    let lock = dir.path().join("clickhouse-embedded.lock");
    let script = format!(
        "{} --die-with-parent 2>/dev/null & echo $!; while ! [ -e '{}' ]; do sleep 0.05; done; sleep 0.3",
        line.join(" "),
        lock.display()
    );
    let shell = std::process::Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).output();
    let id: u32 = String::from_utf8(shell.unwrap().stdout).unwrap().trim().parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let alive = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    };
    while alive() {
        assert!(Instant::now() < deadline, "the engine outlives its parent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
