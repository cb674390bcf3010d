//! The embedded servers together. One that is not embedded is somebody else's to run: then it is only waited for.

use std::time::Duration;

use anyhow::{Error, Result, ensure};
use tokio::time::{Instant, sleep};

use super::clickhouse::{self, ClickHouse};
use super::kafka::{self, Kafka};
use super::server::Server;
use super::state::StateDir;
use crate::config::{self, Config};

/// For a server that is not ours to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(250);

/// The ones that run as children of this process.
pub struct Servers {
    kafka: Option<Server>,
    clickhouse: Option<Server>,
}

impl Servers {
    /// Starts them; see [`Server::start`] for the thread this must happen on.
    ///
    /// # Errors
    /// Something that they need is missing.
    pub async fn start(config: &Config, state: &StateDir) -> Result<Self> {
        let clickhouse = start_clickhouse(config, state)?;
        let kafka = start_kafka(config, state).await?;
        Ok(Self { kafka, clickhouse })
    }

    /// Waits until they answer, those that are not embedded too.
    ///
    /// # Errors
    /// One ends or does not answer in time.
    pub async fn ready(&mut self, config: &Config) -> Result<()> {
        let kafka_answers = async || kafka::answers(&config.kafka.brokers).await;
        let clickhouse_answers = async || clickhouse::answers(&config.clickhouse.url).await;
        match &mut self.clickhouse {
            Some(server) => server.ready(clickhouse_answers).await?,
            None => wait_for("ClickHouse", &config.clickhouse.url, clickhouse_answers).await?,
        }
        match &mut self.kafka {
            Some(server) => server.ready(kafka_answers).await,
            None => wait_for("Kafka", &config.kafka.brokers, kafka_answers).await,
        }
    }

    /// Starts again what dies; returns only to say that one keeps dying.
    pub async fn keep_alive(&mut self) -> Error {
        tokio::select! {
            gave_up = keep_alive(&mut self.kafka) => gave_up,
            gave_up = keep_alive(&mut self.clickhouse) => gave_up,
        }
    }

    /// Ends them, at the deadline by force.
    pub async fn stop(self, deadline: Instant) {
        let stop = async |server: Option<Server>| {
            if let Some(server) = server {
                server.stop(deadline).await;
            }
        };
        tokio::join!(stop(self.kafka), stop(self.clickhouse));
    }
}

/// Somebody else's server may be starting at this moment too.
async fn wait_for(name: &str, address: &str, answers: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    while !answers().await {
        ensure!(Instant::now() < deadline, "{name} at {address} does not answer; is it running, and is the address right?");
        sleep(ASK_EVERY).await;
    }
    Ok(())
}

async fn start_kafka(config: &Config, state: &StateDir) -> Result<Option<Server>> {
    if !config.embedded.kafka {
        return Ok(None);
    }
    let port = config::kafka_port(&config.kafka)?;
    let kafka = Kafka { jars: config.embedded.kafka_jars(), dir: state.kafka(), port, heap_mb: config.embedded.kafka_heap_mb };
    Ok(Some(Server::start("kafka", state.log_of("kafka"), state.kafka(), kafka.prepare().await?)?))
}

fn start_clickhouse(config: &Config, state: &StateDir) -> Result<Option<Server>> {
    if !config.embedded.clickhouse {
        return Ok(None);
    }
    let port = config::clickhouse_port(&config.clickhouse)?;
    let engine = ClickHouse { libchdb: config.embedded.libchdb(), dir: state.clickhouse(), port };
    Ok(Some(Server::start("clickhouse", state.log_of("clickhouse"), state.clickhouse(), engine.prepare()?)?))
}

async fn keep_alive(server: &mut Option<Server>) -> Error {
    match server {
        Some(server) => server.keep_alive().await,
        None => std::future::pending().await,
    }
}
