//! The embedded broker: Apache Kafka's own jars, one node, KRaft. Renders its settings, formats its directory once, says when it answers.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::process::Command;

const SERVER_PROPERTIES: &str = include_str!("../../../kafka-embedded/server.properties");
const LOGGER_PROPERTIES: &str = include_str!("../../../kafka-embedded/simplelogger.properties");
/// For one answer of a broker that may not be up yet.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Where and how the broker runs.
pub struct Kafka {
    /// The fetched jars.
    pub jars: PathBuf,
    /// Its part of the state directory.
    pub dir: PathBuf,
    /// For clients, on loopback.
    pub port: u16,
    /// Upper bound of the Java heap.
    pub heap_mb: u32,
}

impl Kafka {
    /// Writes the settings, formats the log directory at the first start, and gives the command that runs the broker.
    ///
    /// # Errors
    /// No jars, no Java, a directory that cannot be written or was formatted by something else.
    pub async fn prepare(&self) -> Result<Command> {
        if !self.jars.is_dir() {
            bail!("Kafka's jars are not in {}: `cargo xtask fetch` gets them", self.jars.display());
        }
        let conf = self.dir.join("conf");
        fs::create_dir_all(&conf).with_context(|| format!("cannot create {}", conf.display()))?;
        let settings = SERVER_PROPERTIES
            .replace("{port}", &self.port.to_string())
            .replace("{controller_port}", &tidemark_ports::free(tidemark_ports::INNER)?.to_string())
            .replace("{dir}", &self.log_dir().display().to_string());
        fs::write(self.settings(), settings)?;
        fs::write(conf.join("simplelogger.properties"), LOGGER_PROPERTIES)?;
        if !self.log_dir().join("meta.properties").exists() {
            self.format().await?;
        }
        let mut broker = self.java();
        broker.arg("kafka.Kafka").arg(self.settings());
        Ok(broker)
    }

    /// Gives the log directory its identity, which tells this log from every other.
    async fn format(&self) -> Result<()> {
        let cluster_id = uuid::Uuid::new_v4().simple().to_string();
        let mut tool = self.java();
        tool.args(["kafka.tools.StorageTool", "format", "--cluster-id", &cluster_id, "--config"]).arg(self.settings());
        let done = tool.stdin(Stdio::null()).output().await.context("cannot start `java`")?;
        if !done.status.success() {
            let said = [done.stdout, done.stderr].concat();
            bail!("Kafka cannot format {}: {}", self.log_dir().display(), String::from_utf8_lossy(&said).trim());
        }
        Ok(())
    }

    fn java(&self) -> Command {
        let mut java = Command::new("java");
        let classes = format!("{}:{}/*", self.dir.join("conf").display(), self.jars.display());
        // The serial collector needs the least memory, and the broker makes little garbage.
        java.args(["-Xms64m", &format!("-Xmx{}m", self.heap_mb), "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"]);
        java.args(["-XX:-UsePerfData", "-Djava.awt.headless=true", "-cp", &classes]);
        java
    }

    fn settings(&self) -> PathBuf {
        self.dir.join("conf").join("server.properties")
    }

    fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }
}

/// True if a broker at this address answers a question about its topics.
pub async fn answers(brokers: &str) -> bool {
    let brokers = brokers.to_owned();
    tokio::task::spawn_blocking(move || metadata(&brokers).is_ok()).await.unwrap_or(false)
}

/// The number of brokers at this address.
///
/// # Errors
/// It cannot be reached, or is no Kafka.
pub fn metadata(brokers: &str) -> Result<usize> {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    Ok(client.fetch_metadata(None, ANSWER_WITHIN)?.brokers().len())
}
