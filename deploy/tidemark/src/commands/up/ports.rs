//! The ports of everything that `up` starts, looked at together before anything is started.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

use crate::config::{self, Config};
use crate::services::{SERVICES, Service, address};

/// For a port that something is just leaving: the servers of a killed `tidemark up` need a moment to die.
const LEFT_WITHIN: Duration = Duration::from_secs(3);
const ASK_EVERY: Duration = Duration::from_millis(250);

/// Waits until every port is free.
///
/// # Errors
/// Something else holds some of them: all are named.
pub async fn are_free(config: &Config, is_here: impl Fn(Service) -> bool) -> Result<()> {
    let ports = ports(config, is_here)?;
    let deadline = Instant::now() + LEFT_WITHIN;
    loop {
        let taken: Vec<String> = ports.iter().filter_map(|(name, address)| taken(name, *address)).collect();
        if taken.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("{}: stop what uses it, or choose another port (`tidemark up --help`)", taken.join("; "));
        }
        sleep(ASK_EVERY).await;
    }
}

fn ports(config: &Config, is_here: impl Fn(Service) -> bool) -> Result<Vec<(&'static str, SocketAddr)>> {
    let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut ports = Vec::new();
    if config.embedded.kafka {
        ports.push(("Kafka", local(config::kafka_port(&config.kafka)?)));
    }
    if config.embedded.clickhouse {
        ports.push(("ClickHouse", local(config::clickhouse_port(&config.clickhouse)?)));
    }
    ports.extend(
        SERVICES.into_iter().filter(|service| is_here(*service)).map(|service| (service.name(), address(config, service))),
    );
    if is_here(Service::Query) {
        ports.push(("query for PostgreSQL clients", config.query.postgres_listen));
        ports.push(("query for Arrow Flight clients", config.query.flight_listen));
    }
    Ok(ports)
}

fn taken(name: &str, address: SocketAddr) -> Option<String> {
    let error = TcpListener::bind(address).err()?;
    Some(format!("{name}: port {} cannot be used ({error})", address.port()))
}
