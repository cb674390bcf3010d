//! Starts the engine's process on a free port over a temporary directory, and talks to it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, Response};

const STARTS_WITHIN: Duration = Duration::from_secs(30);

/// A running engine; killed with its value.
pub struct Server {
    child: Child,
    pub url: String,
    pub http: Client,
}

/// An answer over plain HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of an answer that must be good.
    pub fn good(self) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text()
    }

    /// The status and ClickHouse's code of an answer that must be an error.
    pub fn error(&self) -> (u16, u32) {
        assert!(self.text().starts_with("Code: "), "{self:?}");
        (self.status, self.header("x-clickhouse-exception-code").parse().unwrap())
    }
}

/// The engine's library, which `cargo xtask` fetches.
pub fn libchdb() -> PathBuf {
    let cache = std::env::var_os("TIDEMARK_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/tidemark"));
    let library = cache.join("libchdb-26.7.3/libchdb.so");
    assert!(library.exists(), "{} is absent: `cargo xtask test` fetches it", library.display());
    library
}

/// The command line that starts the engine.
pub fn command(path: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clickhouse-embedded"));
    command.arg("--libchdb").arg(libchdb()).arg("--path").arg(path).args(["--listen", listen]);
    command
}

impl Server {
    /// Starts the engine and waits until it answers.
    pub async fn start(path: &Path) -> Self {
        Self::start_with(path, &[]).await
    }

    pub async fn start_with(path: &Path, more: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{}", tidemark_ports::free(tidemark_ports::TRIALS).unwrap());
        let mut command = command(path, &listen);
        let child = command.arg("--die-with-parent").args(more).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, url: format!("http://{listen}"), http: Client::new() };
        let deadline = Instant::now() + STARTS_WITHIN;
        while server.http.get(format!("{}/ping", server.url)).send().await.is_err() {
            assert!(Instant::now() < deadline, "the engine does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    /// The `clickhouse` crate's client, with its default compression.
    pub fn client(&self) -> clickhouse::Client {
        clickhouse::Client::default().with_url(&self.url).with_compression(clickhouse::Compression::Lz4)
    }

    /// A POST with these parameters.
    pub fn request(&self, parameters: &[(&str, &str)], body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.http.post(&self.url).query(parameters).body(body)
    }

    pub async fn post(&self, parameters: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        answer(self.request(parameters, body).send().await.unwrap()).await
    }

    pub async fn get(&self, parameters: &[(&str, &str)]) -> Answer {
        answer(self.http.get(&self.url).query(parameters).send().await.unwrap()).await
    }

    /// Runs SQL that must succeed.
    pub async fn sql(&self, sql: &str) -> String {
        self.post(&[], sql.to_owned()).await.good()
    }

    /// How many queries run now, the asking one left out.
    pub async fn running(&self) -> u32 {
        let count = self.sql("SELECT count() - 1 FROM system.processes").await;
        count.trim().parse().unwrap()
    }

    /// Waits until no query runs.
    pub async fn idle_within(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.running().await > 0 {
            assert!(Instant::now() < deadline, "a query still runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that the process has had, in bytes.
    pub fn memory_peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
    }

    /// Sends a signal by name and waits for the end.
    pub fn signal(mut self, signal: &str) -> ExitStatus {
        let sent = Command::new("kill").args([format!("-{signal}"), self.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub async fn answer(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}
