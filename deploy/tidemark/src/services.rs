//! The services inside this process: `up` hosts all of them, the commands of their names one each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use tidemark_schemas::tenant::Tenants;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::probe;

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// Hears events
    Ingest,
    /// Adds them up
    Projector,
    /// Answers
    Query,
}

impl Service {
    /// As it is called in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Projector => "projector",
            Self::Query => "query",
        }
    }

    /// As its process is called in traces.
    pub fn process_name(self) -> &'static str {
        match self {
            Self::Ingest => "tidemark-ingest",
            Self::Projector => "tidemark-projector",
            Self::Query => "tidemark-query",
        }
    }
}

/// In the order in which a start that fails is best understood.
pub const SERVICES: [Service; 3] = [Service::Ingest, Service::Projector, Service::Query];
/// Between two questions whether a service answers yet.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// The services that run in this process.
#[derive(Default)]
pub struct Services {
    stop: CancellationToken,
    running: JoinSet<Result<()>>,
}

impl Services {
    /// Starts those that are wanted and waits until they answer.
    ///
    /// # Errors
    /// The tenants or the KPI files cannot be read.
    pub async fn start(&mut self, config: &Config, wanted: impl Fn(Service) -> bool) -> Result<()> {
        let tenants = Arc::new(config.read_tenants()?);
        config.read_definitions()?;
        let mut urls = Vec::new();
        for service in SERVICES.into_iter().filter(|service| wanted(*service)) {
            // Query is ready once there are tables, and a projector that runs elsewhere may make them at any time.
            let path = if service == Service::Query && !wanted(Service::Projector) { "healthz" } else { "readyz" };
            urls.push(format!("http://{}/{path}", address(config, service)));
            self.spawn(config, service, tenants.clone());
        }
        tokio::select! {
            () = all_answer(&urls) => Ok(()),
            ended = self.first_end() => ended,
        }
    }

    fn spawn(&mut self, config: &Config, service: Service, tenants: Arc<Tenants>) {
        let (config, stop) = (config.clone(), self.stop.clone());
        let Config { kafka, clickhouse, registry, .. } = config.clone();
        match service {
            Service::Ingest => {
                let run = tidemark_ingest::run(config.ingest, kafka, registry, tenants, stop);
                self.running.spawn(async { run.await.context("ingest") });
            }
            Service::Projector => {
                let settings = config.projector();
                let files = Arc::new(move || config.read_definitions().map_err(|error| format!("{error:#}")));
                let run = tidemark_projector::run(settings, kafka, clickhouse, registry, files, stop);
                self.running.spawn(async { run.await.context("projector") });
            }
            Service::Query => {
                let run = tidemark_query::run(config.query, clickhouse, kafka, tenants, stop);
                self.running.spawn(async { run.await.context("query") });
            }
        }
    }

    /// Waits for the first that ends, which none should.
    ///
    /// # Errors
    /// Always: with the reason of the one that ended.
    pub async fn first_end(&mut self) -> Result<()> {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(ended) => ended.context("a service panicked")?.and_then(|()| Err(anyhow!("a service ended by itself"))),
        }
    }

    /// Asks them to end, and leaves those behind that have not ended at the deadline.
    pub async fn stop(mut self, deadline: Instant) {
        self.stop.cancel();
        while let Ok(Some(ended)) = timeout_at(deadline, self.running.join_next()).await {
            if let Ok(Err(error)) = ended {
                tracing::warn!(error = format!("{error:#}"), "a service ended with an error");
            }
        }
        // What is left would only complain that its servers are going.
        self.running.abort_all();
    }
}

/// Where a service answers, at least about its own health.
pub fn address(config: &Config, service: Service) -> SocketAddr {
    match service {
        Service::Ingest => config.ingest.listen,
        Service::Projector => config.projector.listen,
        Service::Query => config.query.listen,
    }
}

async fn all_answer(urls: &[String]) {
    for url in urls {
        while !probe::answers(url).await {
            sleep(ASK_EVERY).await;
        }
    }
}
