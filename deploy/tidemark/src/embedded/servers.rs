//! The embedded servers together. One that is not embedded is somebody else's to run: then it is only waited for.

use anyhow::{Error, Result, anyhow, ensure};
use tokio::time::Instant;

use super::clickhouse::{self, ClickHouse};
use super::kafka::{self, Kafka};
use super::server::Server;
use super::state::StateDir;
use crate::commands::doctor;
use crate::config::Config;

/// The ones that run as children of this process.
pub struct Servers {
    kafka: Option<Server>,
    clickhouse: Option<Server>,
}

impl Servers {
    /// Starts them; see [`Server::start`] for the thread this must happen on.
    ///
    /// # Errors
    /// A port is taken, or something that they need is missing.
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
        let (brokers, url) = (&config.kafka.brokers, &config.clickhouse.url);
        match &mut self.clickhouse {
            Some(server) => server.ready(async || clickhouse::answers(url).await).await?,
            None => ensure!(clickhouse::answers(url).await, "ClickHouse at {url} does not answer ([clickhouse] url)"),
        }
        match &mut self.kafka {
            Some(server) => server.ready(async || kafka::answers(brokers).await).await,
            None => {
                ensure!(kafka::answers(brokers).await, "Kafka at {brokers} does not answer ([kafka] brokers)");
                Ok(())
            }
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

async fn start_kafka(config: &Config, state: &StateDir) -> Result<Option<Server>> {
    if !config.kafka.embedded {
        return Ok(None);
    }
    let port = config.kafka.embedded_port()?;
    doctor::is_free(port).map_err(|taken| anyhow!("Kafka: {taken}"))?;
    let kafka = Kafka { jars: config.kafka.jars(), dir: state.kafka(), port, heap_mb: config.kafka.heap_mb };
    Ok(Some(Server::start("kafka", state.log_of("kafka"), kafka.prepare().await?)?))
}

fn start_clickhouse(config: &Config, state: &StateDir) -> Result<Option<Server>> {
    if !config.clickhouse.embedded {
        return Ok(None);
    }
    let port = config.clickhouse.embedded_port()?;
    doctor::is_free(port).map_err(|taken| anyhow!("ClickHouse: {taken}"))?;
    let engine = ClickHouse { libchdb: config.clickhouse.libchdb(), dir: state.clickhouse(), port };
    Ok(Some(Server::start("clickhouse", state.log_of("clickhouse"), engine.prepare()?)?))
}

async fn keep_alive(server: &mut Option<Server>) -> Error {
    match server {
        Some(server) => server.keep_alive().await,
        None => std::future::pending().await,
    }
}
