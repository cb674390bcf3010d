//! Where it plays: one temporary directory, free ports, and how each process of the product is started there.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    company::PARTITIONS,
    process::{Process, child_of, last_lines},
};

/// From the start of everything to its first answer.
const READY_WITHIN: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The shortest that Kafka allows.
const SESSION_TIMEOUT_MS: u32 = 6_000;
/// Often enough that a state which is lost or moved begins with one.
const SNAPSHOT_EVERY_RECORDS: u32 = 20_000;

/// What can be tormented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Kafka,
    Engine,
    Ingest,
    Projector(usize),
    Query,
}

/// Every process of the product.
pub const TARGETS: [Target; 6] =
    [Target::Kafka, Target::Engine, Target::Ingest, Target::Projector(1), Target::Projector(2), Target::Query];

impl Target {
    /// As in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Engine => "engine",
            Self::Ingest => "ingest",
            Self::Projector(_) => "projectors",
            Self::Query => "query",
        }
    }

    fn log_name(self) -> String {
        match self {
            Self::Projector(number) => format!("projector-{number}"),
            _ => self.name().to_owned(),
        }
    }

    /// What tells it among the children of `tidemark up`; the others are ours.
    fn server_mark(self) -> Option<&'static str> {
        match self {
            Self::Kafka => Some("kafka.Kafka"),
            Self::Engine => Some(" clickhouse "),
            _ => None,
        }
    }
}

/// The directory and the addresses.
pub struct Stage {
    dir: TempDir,
    tidemark: PathBuf,
    ports: [u16; 6],
}

impl Stage {
    /// Makes the directory and finds free ports.
    pub fn prepare(tidemark: Option<PathBuf>, tenants: &str) -> Result<Self> {
        let own = std::env::current_exe()?;
        let tidemark = tidemark.unwrap_or_else(|| own.with_file_name("tidemark"));
        if !tidemark.is_file() {
            bail!("{} is not there: `cargo xtask chaos` builds it", tidemark.display());
        }
        let dir = tempfile::Builder::new().prefix("tidemark-chaos-").tempdir()?;
        fs::write(dir.path().join("tenants.toml"), tenants)?;
        Ok(Self { dir, tidemark, ports: free_ports()? })
    }

    /// Keeps the directory after the end; where it is.
    pub fn keep(&mut self) -> &Path {
        self.dir.disable_cleanup(true);
        self.dir.path()
    }

    /// `tidemark` with this stage's addresses and nobody's settings.
    pub fn tidemark(&self, arguments: &[&str]) -> Command {
        let [ingest, query, kafka, clickhouse, ..] = self.ports;
        let mut command = Command::new(&self.tidemark);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TIDEMARK_") && name != "TIDEMARK_CACHE") {
            command.env_remove(name);
        }
        command
            .args(arguments)
            // Not where somebody's own tidemark.toml may be.
            .current_dir(self.dir.path())
            .env("TIDEMARK_STATE", self.dir.path())
            .env("TIDEMARK_KAFKA__BROKERS", format!("127.0.0.1:{kafka}"))
            .env("TIDEMARK_KAFKA__PARTITIONS", PARTITIONS.to_string())
            .env("TIDEMARK_CLICKHOUSE__URL", format!("http://127.0.0.1:{clickhouse}"))
            .env("TIDEMARK_INGEST__LISTEN", format!("127.0.0.1:{ingest}"))
            .env("TIDEMARK_QUERY__LISTEN", format!("127.0.0.1:{query}"))
            .env("TIDEMARK_PROJECTOR__SESSION_TIMEOUT_MS", SESSION_TIMEOUT_MS.to_string())
            .env("TIDEMARK_PROJECTOR__SNAPSHOT_EVERY_RECORDS", SNAPSHOT_EVERY_RECORDS.to_string())
            // Kafka's client says every connection that it loses, which here are thousands.
            .env("TIDEMARK_LOG__FILTER", "info,fjall=warn,lsm_tree=warn,rdkafka=off,librdkafka=off");
        command
    }

    /// Kafka and the engine, which `tidemark up` starts again when they die.
    pub fn start_servers(&self) -> Result<Process> {
        let without = ["up", "--without", "ingest", "--without", "projector", "--without", "query"];
        Process::start(self.tidemark(&without), self.log("up"))
    }

    /// One service in a process of its own.
    pub fn start_service(&self, target: Target) -> Result<Process> {
        let command = match target {
            Target::Ingest => self.tidemark(&["ingest"]),
            Target::Query => self.tidemark(&["query"]),
            Target::Projector(number) => {
                let mut command = self.tidemark(&["project"]);
                let port = self.ports[3 + number];
                command
                    .env("TIDEMARK_PROJECTOR__INSTANCE", format!("projector-{number}"))
                    .env("TIDEMARK_PROJECTOR__LISTEN", format!("127.0.0.1:{port}"))
                    .env("TIDEMARK_PROJECTOR__STATE_DIR", self.state_of(target));
                command
            }
            Target::Kafka | Target::Engine => bail!("{} is `tidemark up`'s to start", target.name()),
        };
        Process::start(command, self.log(&target.log_name()))
    }

    /// The process of a server; waits for one that is being started again.
    pub async fn server(&self, up: Pid, target: Target) -> Result<Pid> {
        let mark = target.server_mark().context("not a server")?;
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(found) = child_of(up, mark) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("`tidemark up` has no {}:\n    {}", target.name(), last_lines(&self.log("up")));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether a server listens.
    pub async fn is_up(&self, server: Target) -> bool {
        let port = if server == Target::Kafka { self.ports[2] } else { self.ports[3] };
        TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    }

    /// The state directory of a projector.
    pub fn state_of(&self, target: Target) -> PathBuf {
        self.dir.path().join(target.log_name())
    }

    /// Waits until an address answers with success.
    pub async fn answers(&self, client: &reqwest::Client, url: &str) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !client.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            if Instant::now() > deadline {
                bail!("{url} does not answer; the logs are in {}", self.dir.path().display());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    pub fn ingest(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    pub fn query(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[1])
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports[2])
    }

    pub fn clickhouse(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[3])
    }

    /// Rebalances that the broker says it completed.
    pub fn rebalances(&self) -> usize {
        let text = fs::read_to_string(self.dir.path().join("logs").join("kafka.log")).unwrap_or_default();
        text.lines().filter(|line| line.contains("Stabilized group tidemark-projector")).count()
    }

    /// A place for a file of one company.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }
}

/// Ports that were free a moment ago; all held until all are known, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
