//! Ingest as a service: everything a request needs, from the start that waits for Kafka to the drained end.

use std::{net::SocketAddr, num::NonZero, sync::Arc, thread::available_parallelism, time::Duration};

use axum::http::StatusCode;
use tidemark_schemas::{
    connect::{KafkaConfig, RegistryConfig},
    log::{Position, REGISTRY_HEADER, TRACE_HEADER},
    tenant::Tenants,
};
use tokio::{net::TcpListener, sync::Semaphore, task::block_in_place, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, Config, Error,
    accept::Rejection,
    dead::DeadLetters,
    http::connections,
    publish::{self, Batch, Log, PublishError, SchemaIds, TopicReport},
    rate::RateLimit,
    router::router,
    telemetry::{Metrics, publish_ended, publish_span, traceparent},
};

/// What every request shares.
pub(crate) struct Service {
    pub(crate) config: Config,
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) schema_ids: SchemaIds,
    pub(crate) metrics: Metrics,
    /// One permit for each KiB of `in_flight_bytes_max`.
    pub(crate) in_flight: Arc<Semaphore>,
    /// One permit for each request of `requests_max`.
    pub(crate) turns: Semaphore,
    /// One permit for each core.
    pub(crate) cores: Semaphore,
    pub(crate) rate: RateLimit,
    pub(crate) dead: DeadLetters,
    /// How the topics were at start.
    pub(crate) topics: Vec<TopicReport>,
}

impl Service {
    /// Bodies being worked on, to the KiB.
    pub(crate) fn in_flight_bytes(&self) -> usize {
        let free = self.in_flight.available_permits() * 1024;
        self.config.in_flight_bytes_max.saturating_sub(free)
    }

    /// Does what takes the processor's time, so many at a time as there are cores: whoever is turned away hears it at once,
    /// however much is being worked on.
    pub(crate) async fn work<T>(&self, work: impl FnOnce() -> T) -> T {
        // Nobody closes it, so that there is always a permit in the end.
        let _core = self.cores.acquire().await;
        block_in_place(work)
    }

    /// Publishes a whole batch, or says when to try again.
    pub(crate) async fn publish(&self, batch: &Batch) -> Result<Option<Position>, Rejection> {
        let started = Instant::now();
        let span = publish_span(batch);
        let published = self.published(batch, traceparent(&span).as_deref()).await;
        publish_ended(&span, published.as_ref().map(|position| *position).map_err(|_| ()));
        match published {
            Ok(position) => {
                self.metrics.published(batch, started.elapsed());
                Ok(position)
            }
            Err(PublishError::QueueFull) => Err(Rejection::later(
                StatusCode::TOO_MANY_REQUESTS,
                "queue_full",
                "too much is waiting for Kafka; nothing was acknowledged, send the same again later".to_owned(),
                self.config.retry_after_s,
            )),
            Err(PublishError::NotAcknowledged(reason)) => {
                tracing::warn!(%reason, "Kafka did not acknowledge");
                Err(Rejection::later(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "log_unavailable",
                    format!("Kafka did not acknowledge ({reason}); nothing was acknowledged, send the same again later"),
                    self.config.retry_after_s,
                ))
            }
        }
    }

    async fn published(&self, batch: &Batch, traceparent: Option<&str>) -> Result<Option<Position>, PublishError> {
        let most = Duration::from_millis(self.config.publish_timeout_ms);
        let registry = self.schema_ids.are_a_registrys().then_some((REGISTRY_HEADER, ""));
        let headers: Vec<_> = registry.into_iter().chain(traceparent.map(|parent| (TRACE_HEADER, parent))).collect();
        // Kafka's client has the same limit for each record, but may look at it seconds late when a broker is gone.
        let published = tokio::time::timeout(most, self.log.publish(batch, &headers)).await;
        published.unwrap_or_else(|_| Err(PublishError::NotAcknowledged(format!("no word within {} ms", most.as_millis()))))
    }
}

/// Ingest, listening but not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
}

/// Connects to Kafka, makes the topics that are missing, settles the schemas' ids and takes the address.
///
/// # Errors
/// Kafka or the schema registry unreachable, a topic that contradicts the configuration, an address that cannot be taken.
pub async fn bind(
    config: Config,
    kafka: KafkaConfig,
    registry: RegistryConfig,
    tenants: Arc<Tenants>,
    clock: Clock,
) -> Result<Server, Error> {
    config.check()?;
    let listen_error = |source| Error::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let log = Log::connect(&kafka, &config)?;
    let schema_ids = SchemaIds::settle(&registry, Duration::from_millis(config.start_timeout_ms)).await?;
    let topics = publish::ensure(&log, &kafka, &config).await?;
    let in_flight = Arc::new(Semaphore::new(config.in_flight_bytes_max.div_ceil(1024)));
    let turns = Semaphore::new(config.requests_max);
    let cores = Semaphore::new(available_parallelism().map_or(1, NonZero::get));
    let rate = RateLimit::new(config.events_per_second_max_per_key);
    let dead = DeadLetters::new(kafka);
    let metrics = Metrics::new()?;
    let service = Service { metrics, config, tenants, clock, log, schema_ids, in_flight, turns, cores, rate, dead, topics };
    Ok(Server { listener, address, service: Arc::new(service) })
}

impl Server {
    /// Where it listens, with the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then finishes the requests that are being answered, `drain_timeout_ms` at most.
    ///
    /// # Errors
    /// When the producer failed for good.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { listener, address, service } = self;
        tracing::info!(%address, copies = crate::http::health::copies(&service), "ingest listens");
        let drain = Duration::from_millis(service.config.drain_timeout_ms);
        let server = connections::serve(listener, router(service.clone()), &service.config, shutdown.clone());
        let too_slow = async {
            shutdown.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            () = server => {}
            () = too_slow => tracing::warn!("requests that took longer than the drain timeout were cut off, unacknowledged"),
            reason = service.log.failed_for_good() => return Err(Error::ProducerFatal(reason)),
        }
        service.log.flush(Duration::from_millis(500)).await;
        Ok(())
    }
}

/// Runs ingest until `shutdown`.
///
/// # Errors
/// As [`bind`] and [`Server::serve`].
pub async fn run(
    config: Config,
    kafka: KafkaConfig,
    registry: RegistryConfig,
    tenants: Arc<Tenants>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    tokio::select! {
        bound = bind(config, kafka, registry, tenants, Clock::system()) => bound?.serve(shutdown.clone()).await,
        () = shutdown.cancelled() => Ok(()),
    }
}
