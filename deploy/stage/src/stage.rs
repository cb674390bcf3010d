//! Where it plays: one temporary directory, free ports, and how each process of the product is started there.

use std::{
    fs,
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

use crate::process::{Process, child_of, last_lines};

/// From the start of everything to its first answer.
const READY_WITHIN: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A process of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The broker.
    Kafka,
    /// ClickHouse's engine.
    Engine,
    /// Hears events.
    Ingest,
    /// Adds them up; several have numbers from 1.
    Projector(usize),
    /// Answers.
    Query,
}

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

/// How a stage is set up.
pub struct Setting<'a> {
    /// The program to start; by default `tidemark` beside the running one.
    pub tidemark: Option<PathBuf>,
    /// What the directory's name begins with.
    pub prefix: &'a str,
    /// Partitions of the log.
    pub partitions: i32,
    /// Settings of the product beside the stage's own, by their variable.
    pub environment: Vec<(&'static str, String)>,
    /// The text of `tenants.toml`.
    pub tenants: &'a str,
}

/// The directory and the addresses.
pub struct Stage {
    dir: TempDir,
    tidemark: PathBuf,
    partitions: i32,
    environment: Vec<(&'static str, String)>,
    ports: [u16; 6],
}

impl Stage {
    /// Makes the directory and finds free ports.
    ///
    /// # Errors
    /// The program is not there, or the system has no directory or port left.
    pub fn prepare(setting: Setting<'_>) -> Result<Self> {
        let Setting { tidemark, prefix, partitions, environment, tenants } = setting;
        let own = std::env::current_exe()?;
        let tidemark = tidemark.unwrap_or_else(|| own.with_file_name("tidemark"));
        if !tidemark.is_file() {
            bail!("{} is not there: `cargo xtask chaos` and `cargo xtask bench` build it", tidemark.display());
        }
        let dir = tempfile::Builder::new().prefix(prefix).tempdir()?;
        fs::write(dir.path().join("tenants.toml"), tenants)?;
        // Where programs are started in this directory, a relative path would mean another file.
        Ok(Self { dir, tidemark: fs::canonicalize(tidemark)?, partitions, environment, ports: free_ports()? })
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
            .env("TIDEMARK_KAFKA__PARTITIONS", self.partitions.to_string())
            .env("TIDEMARK_CLICKHOUSE__URL", format!("http://127.0.0.1:{clickhouse}"))
            .env("TIDEMARK_INGEST__LISTEN", format!("127.0.0.1:{ingest}"))
            .env("TIDEMARK_QUERY__LISTEN", format!("127.0.0.1:{query}"))
            .env("TIDEMARK_QUERY__POSTGRES_LISTEN", "127.0.0.1:0")
            .env("TIDEMARK_QUERY__FLIGHT_LISTEN", "127.0.0.1:0")
            // Kafka's client says every connection that it loses, which may be thousands.
            .env("TIDEMARK_LOG__FILTER", "info,fjall=warn,lsm_tree=warn,rdkafka=off,librdkafka=off")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Kafka and the engine, which `tidemark up` starts again when they die.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start_servers(&self) -> Result<Process> {
        let without = ["up", "--without", "ingest", "--without", "projector", "--without", "query"];
        Process::start(self.tidemark(&without), self.log("up"))
    }

    /// Everything in one process tree, with the state of projector 1.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start_everything(&self) -> Result<Process> {
        let mut up = self.tidemark(&["up"]);
        self.as_projector(1, &mut up);
        Process::start(up, self.log("up"))
    }

    /// One service in a process of its own.
    ///
    /// # Errors
    /// It is none of ours, or the system does not start it.
    pub fn start_service(&self, target: Target) -> Result<Process> {
        let command = match target {
            Target::Ingest => self.tidemark(&["ingest"]),
            Target::Query => self.tidemark(&["query"]),
            Target::Projector(number) => {
                let mut command = self.tidemark(&["project"]);
                self.as_projector(number, &mut command);
                command
            }
            Target::Kafka | Target::Engine => bail!("{} is `tidemark up`'s to start", target.name()),
        };
        Process::start(command, self.log(&target.log_name()))
    }

    fn as_projector(&self, number: usize, command: &mut Command) {
        command
            .env("TIDEMARK_PROJECTOR__INSTANCE", format!("projector-{number}"))
            .env("TIDEMARK_PROJECTOR__LISTEN", format!("127.0.0.1:{}", self.ports[3 + number]))
            .env("TIDEMARK_PROJECTOR__STATE_DIR", self.state_of(Target::Projector(number)));
    }

    /// The process of a server; waits for one that is being started again.
    ///
    /// # Errors
    /// There is none for too long.
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
    ///
    /// # Errors
    /// It does not for too long.
    pub async fn answers(&self, client: &reqwest::Client, url: &str) -> Result<()> {
        self.answers_to(client, url, "").await
    }

    /// Waits until an address answers a company's key with success.
    ///
    /// # Errors
    /// It does not for too long.
    pub async fn answers_to(&self, client: &reqwest::Client, url: &str, key: &str) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let ask = || client.get(url).bearer_auth(key).send();
        while !ask().await.is_ok_and(|answer| answer.status().is_success()) {
            if Instant::now() > deadline {
                bail!("{url} does not answer; the logs are in {}", self.dir.path().display());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Base URL of ingest.
    pub fn ingest(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Base URL of query.
    pub fn query(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[1])
    }

    /// Base URL of a projector's health and metrics.
    pub fn projector(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[3 + number])
    }

    /// Kafka's address.
    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports[2])
    }

    /// Base URL of the engine.
    pub fn clickhouse(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[3])
    }

    /// Rebalances that the broker says it completed.
    pub fn rebalances(&self) -> usize {
        let text = fs::read_to_string(self.dir.path().join("logs").join("kafka.log")).unwrap_or_default();
        text.lines().filter(|line| line.contains("Stabilized group tidemark-projector")).count()
    }

    /// A place in the directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where a process's words go: `up`, `ingest`, `query`, `projector-1` and so on.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.log"))
    }
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = tidemark_ports::free(tidemark_ports::TRIALS)?;
    }
    Ok(ports)
}
