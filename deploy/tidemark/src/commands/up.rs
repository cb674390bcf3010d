//! `tidemark up`: everything in one process tree. Servers as child processes, services in this process, all stopped in order.

mod ports;

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

use super::tenant::{self, NewKey};
use crate::cli::Place;
use crate::config::{Config, Overrides};
use crate::embedded::servers::Servers;
use crate::embedded::state::StateDir;
use crate::say::say;
use crate::services::{SERVICES, Service, Services, address};
use crate::signals::StopSignals;
use crate::telemetry;
use crate::traces::Traces;

/// From a Ctrl-C to the end of everything. (The promise is 10 s.)
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// Of it, for the services; the rest is the servers', which must outlive them.
const SERVICES_STOP_WITHIN: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  tidemark up --tenant acme --time-zone Asia/Shanghai --currency CNY --key my-key
  tidemark up --state /var/lib/tidemark --ingest-port 9080 --query-port 9081
  tidemark up --without projector      (and `tidemark project` in another terminal)

Ctrl-C ends everything within 10 seconds; the next start continues from the state directory.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Make this tenant ready to use (with --key)
    #[arg(long, value_name = "NAME", requires = "key")]
    tenant: Option<String>,
    /// Where the tenant's business days are
    #[arg(long, value_name = "TZ", default_value = "UTC")]
    time_zone: String,
    /// What the tenant's money is converted to
    #[arg(long, value_name = "CUR", default_value = "USD")]
    currency: String,
    /// The tenant's API key; stored as a hash
    #[arg(long, value_name = "KEY", env = "TIDEMARK_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Port of ingest [default: 8080]
    #[arg(long, value_name = "PORT")]
    ingest_port: Option<u16>,
    /// Port of query [default: 8081]
    #[arg(long, value_name = "PORT")]
    query_port: Option<u16>,
    /// Port of query for PostgreSQL clients [default: 5433]
    #[arg(long, value_name = "PORT")]
    postgres_port: Option<u16>,
    /// Port of query for Arrow Flight SQL clients [default: 50051]
    #[arg(long, value_name = "PORT")]
    flight_port: Option<u16>,
    /// Port of the projector's health and metrics [default: 8082]
    #[arg(long, value_name = "PORT")]
    projector_port: Option<u16>,
    /// Port of the embedded Kafka [default: 19092]
    #[arg(long, value_name = "PORT")]
    kafka_port: Option<u16>,
    /// Port of the embedded ClickHouse [default: 18123]
    #[arg(long, value_name = "PORT")]
    clickhouse_port: Option<u16>,
    /// Leave a part out, because it runs elsewhere (repeatable)
    #[arg(long, value_name = "PART")]
    without: Vec<Service>,
}

impl Args {
    fn overrides(&self, place: &Place) -> Overrides {
        let mut overrides = place.overrides();
        let mut set = |key, value: Option<String>| overrides.extend(value.map(|value| (key, value)));
        set("ingest.listen", self.ingest_port.map(|port| format!("127.0.0.1:{port}")));
        set("query.listen", self.query_port.map(|port| format!("127.0.0.1:{port}")));
        set("query.postgres_listen", self.postgres_port.map(|port| format!("127.0.0.1:{port}")));
        set("query.flight_listen", self.flight_port.map(|port| format!("127.0.0.1:{port}")));
        set("projector.listen", self.projector_port.map(|port| format!("127.0.0.1:{port}")));
        set("kafka.brokers", self.kafka_port.map(|port| format!("127.0.0.1:{port}")));
        set("clickhouse.url", self.clickhouse_port.map(|port| format!("http://127.0.0.1:{port}")));
        overrides
    }

    fn is_here(&self, service: Service) -> bool {
        !self.without.contains(&service)
    }

    fn make_tenant(&self, config: &Config) -> Result<()> {
        let (Some(tenant), Some(key)) = (&self.tenant, &self.key) else { return Ok(()) };
        let (time_zone, currency) = (self.time_zone.clone(), self.currency.clone());
        let new = NewKey { tenant: tenant.clone(), time_zone, currency, source: "crm".to_owned(), key: None };
        tenant::add(&config.tenants_file(), &new, key)
    }
}

/// Runs everything until a signal, or until something cannot go on.
///
/// # Errors
/// The state directory or a port is taken, something is missing, a part cannot go on.
pub async fn run(place: &Place, args: Args) -> Result<()> {
    let config = Config::load(place.config.as_deref(), args.overrides(place))?;
    let traces = Traces::connect(&config.telemetry, "tidemark")?;
    telemetry::start(&config.log, &traces)?;
    let mut signals = StopSignals::listen()?;
    let state = StateDir::open(&config.state)?;
    ports::are_free(&config, |service| args.is_here(service)).await?;
    args.make_tenant(&config)?;
    let mut servers = Servers::start(&config, &state).await?;
    let mut services = Services::default();
    let outcome = tokio::select! {
        outcome = serve(&config, &args, &mut servers, &mut services) => outcome,
        () = signals.next() => Ok(()),
    };
    tokio::select! {
        () = stop(servers, services, traces) => outcome,
        () = signals.next() => bail!("stopped at once, as asked twice; the next start recovers"),
    }
}

/// Starts the services once the servers answer, and goes on until a part ends.
async fn serve(config: &Config, args: &Args, servers: &mut Servers, services: &mut Services) -> Result<()> {
    servers.ready(config).await?;
    let work = async {
        services.start(config, |service| args.is_here(service)).await?;
        say(addresses(config, args));
        services.first_end().await
    };
    tokio::select! {
        ended = work => ended,
        gave_up = servers.keep_alive() => Err(gave_up),
    }
}

/// The services first, which still write; then the servers they write to.
async fn stop(servers: Servers, services: Services, traces: Traces) {
    let deadline = Instant::now() + STOP_WITHIN;
    services.stop(Instant::now() + SERVICES_STOP_WITHIN).await;
    tokio::join!(traces.end(), servers.stop(deadline));
}

/// What people and scripts wait for; the last line is always the same.
fn addresses(config: &Config, args: &Args) -> String {
    let here = SERVICES.into_iter().filter(|service| args.is_here(*service));
    let mut lines: Vec<String> =
        here.map(|service| format!("{:<12}http://{}", service.name(), address(config, service))).collect();
    if args.is_here(Service::Query) {
        lines.push(format!("postgres    {}/{}", config.query.postgres_listen, tidemark_query::DATABASE));
        lines.push(format!("flight      grpc://{}", config.query.flight_listen));
    }
    lines.push(format!("kafka       {}", config.kafka.brokers));
    lines.push(format!("clickhouse  {}", config.clickhouse.url));
    lines.push(format!("state       {}", config.state.display()));
    lines.extend(args.tenant.as_ref().map(|tenant| format!("tenant      {tenant}")));
    lines.push("tidemark is ready".to_owned());
    lines.join("\n")
}
