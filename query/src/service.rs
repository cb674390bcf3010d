//! Query as a service: what every request shares, from the taken address to the drained end. It holds no state.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clickhouse::Client;
use datafusion::execution::runtime_env::RuntimeEnv;
use tidemark_schemas::{
    connect::{ClickHouseConfig, KafkaConfig},
    log::partition_of,
    tenant::{Access, Tenants},
};
use tokio::{
    net::TcpListener,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, flight,
    http::patience::Patient,
    kpis::{Answer, Shared},
    live::Live,
    postgres,
    router::router,
    session,
    signs::SignsOfLife,
    sql::Threads,
    telemetry::Metrics,
    trust::{Generation, LiveGeneration, Looks},
    turns::{Turn, Turns},
};

/// For a ClickHouse that is well to answer the least of all questions.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Values of a KPI, or the numbers that are live where the ones that were read are not any more.
pub(crate) type KpiAnswered = Result<Arc<Answer>, Arc<Generation>>;

/// What every request shares.
pub(crate) struct Service {
    pub(crate) config: Config,
    pub(crate) kafka: KafkaConfig,
    pub(crate) tenants: Arc<Tenants>,
    pub(crate) live: LiveGeneration,
    pub(crate) clickhouse: Client,
    /// Whether it is silent or only busy.
    signs: SignsOfLife,
    pub(crate) metrics: Metrics,
    /// Memory that SQL answers share.
    pub(crate) runtime: Arc<RuntimeEnv>,
    /// Where SQL is planned and computed.
    pub(crate) sql_threads: Threads,
    /// How far the numbers are, for those who wait until they are further.
    pub(crate) looks: Looks,
    /// Who listens, and to what.
    pub(crate) push: Live,
    /// Values of KPIs that several are waiting for.
    answers: Shared<KpiAnswered>,
    turns: Turns,
}

impl Service {
    /// The partition that everything about a tenant is in.
    pub(crate) fn partition(&self, access: &Access) -> i32 {
        partition_of(&access.tenant, self.kafka.partitions)
    }

    /// Does `work` for a company when it is its turn, within `time_ms_max`, and no longer than ClickHouse lives.
    ///
    /// # Errors
    /// What `work` says; [`Error::Busy`], [`Error::TooSlow`], [`Error::Silent`].
    pub(crate) async fn bounded<T>(&self, access: &Access, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.unless_silent(self.in_turn(access, work)).await
    }

    /// Does `work` for as long as ClickHouse shows signs of life: one that is busy is waited for, one that is silent is not.
    ///
    /// # Errors
    /// What `work` says; [`Error::Silent`].
    pub(crate) async fn unless_silent<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            done = work => done,
            silent = self.silence() => Err(silent),
        }
    }

    /// What `ask` says to us, or said to somebody who asked the same question and began after we came.
    ///
    /// # Errors
    /// What `ask` says; [`Error::TooSlow`].
    pub(crate) async fn shared(
        &self,
        question: &str,
        ask: impl AsyncFnOnce() -> Result<KpiAnswered, Error>,
    ) -> Result<Arc<KpiAnswered>, Error> {
        // A turn and an answer: no longer than everybody who asks alone.
        let bound = Duration::from_millis(self.config.time_ms_max) * 2;
        let answered = tokio::time::timeout(bound, self.answers.answer(question, ask)).await;
        answered.unwrap_or(Err(Error::TooSlow(self.config.time_ms_max)))
    }

    /// Waits until ClickHouse shows no signs of life any more.
    pub(crate) async fn silence(&self) -> Error {
        self.signs.cease().await;
        Error::Silent
    }

    /// The turn of a company, if it comes until then.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub(crate) async fn turn(&self, tenant: &str, until: Instant) -> Result<Turn, Error> {
        let turn = timeout_at(until, self.turns.turn(tenant)).await.ok().flatten();
        turn.ok_or(Error::Busy(self.config.concurrent_per_tenant_max, self.config.concurrent_max))
    }

    async fn in_turn<T>(&self, access: &Access, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let bound = Duration::from_millis(self.config.time_ms_max);
        let _turn = self.turn(&access.tenant, Instant::now() + bound).await?;
        match tokio::time::timeout(bound, work).await {
            Ok(done) => done,
            // Nobody can ask for less of a ClickHouse that says nothing.
            Err(_) if !self.signs.is_alive().await => Err(Error::Silent),
            Err(_) => Err(Error::TooSlow(self.config.time_ms_max)),
        }
    }

    /// Whether ClickHouse answers the least of all questions in time.
    pub(crate) async fn clickhouse_answers(&self) -> bool {
        let asked = self.clickhouse.query("SELECT 1").fetch_one::<u8>();
        matches!(tokio::time::timeout(ANSWER_WITHIN, asked).await, Ok(Ok(_)))
    }
}

/// Query, listening but not yet answering.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    postgres: postgres::Door,
    postgres_address: SocketAddr,
    flight: flight::Door,
    service: Arc<Service>,
}

/// Takes the addresses. ClickHouse need not be there yet: `/readyz` says when it is.
///
/// # Errors
/// An address that cannot be taken.
pub async fn bind(
    config: Config,
    clickhouse: ClickHouseConfig,
    kafka: KafkaConfig,
    tenants: Arc<Tenants>,
) -> Result<Server, Error> {
    let (address, postgres_address, flight_address) = (config.listen, config.postgres_listen, config.flight_listen);
    let listen_error = |source| Error::Listen { address, setting: "listen", source };
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let turns = Turns::new(&config, &tenants);
    let client = client(&clickhouse, &config);
    let runtime = session::runtime(config.memory_bytes_max)?;
    let sql_threads = Threads::start().map_err(Error::Threads)?;
    let signs = SignsOfLife::of(&clickhouse.url, Duration::from_millis(config.silent_after_ms))?;
    let service = Service {
        sql_threads,
        looks: Looks::default(),
        runtime,
        metrics: Metrics::new()?,
        push: Live::new(&config),
        config,
        kafka,
        tenants,
        live: LiveGeneration::default(),
        clickhouse: client,
        signs,
        answers: Shared::default(),
        turns,
    };
    let service = Arc::new(service);
    let postgres = postgres::Door::listen(postgres_address, Arc::clone(&service)).await?;
    let postgres_address = postgres.local_addr().map_err(listen_error)?;
    let flight = flight::Door::listen(flight_address, Arc::clone(&service)).await?;
    Ok(Server { listener, address, postgres, postgres_address, flight, service })
}

/// A client whose queries end by themselves: nobody's abandoned query runs on, and none takes all memory.
fn client(clickhouse: &ClickHouseConfig, config: &Config) -> Client {
    let mut client = Client::default().with_url(&clickhouse.url).with_database(&clickhouse.database);
    if let Some(user) = &clickhouse.user {
        client = client.with_user(user);
    }
    if let Some(password) = &clickhouse.password {
        client = client.with_password(password);
    }
    client
        .with_setting("max_execution_time", config.time_ms_max.div_ceil(1000).to_string())
        .with_setting("max_memory_usage", config.memory_bytes_max.to_string())
}

impl Server {
    /// Where it listens for HTTP, with the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The same for the PostgreSQL wire.
    #[must_use]
    pub fn postgres_addr(&self) -> SocketAddr {
        self.postgres_address
    }

    /// The same for Arrow Flight SQL.
    #[must_use]
    pub fn flight_addr(&self) -> SocketAddr {
        self.flight.local_addr()
    }

    /// Answers until `shutdown`, then finishes what is being answered, `drain_timeout_ms` at most.
    ///
    /// # Errors
    /// When the HTTP server fails.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { listener, address, postgres, postgres_address, flight, service } = self;
        tracing::info!(%address, postgres = %postgres_address, flight = %flight.local_addr(), "query listens");
        let drain = Duration::from_millis(service.config.drain_timeout_ms);
        let listener = Patient { listener, bound: Duration::from_millis(service.config.send_ms_max) };
        // However serving ends, listening does.
        let (push, _ends) = (Arc::clone(&service), service.push.closing.clone().drop_guard());
        let server = axum::serve(listener, router(service)).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let drained = async {
            shutdown.cancelled().await;
            // A listener's answer would never be finished.
            push.push.closing.cancel();
            tokio::time::sleep(drain).await;
        };
        let served = async {
            tokio::select! {
                served = server => served.map_err(Error::Serve),
                () = drained => Ok(()),
            }
        };
        // The other doors close with the first, and none does before.
        let postgres = async {
            postgres.serve(shutdown.clone()).await;
            std::future::pending::<()>().await;
        };
        let flight = async {
            flight.serve(shutdown.clone()).await?;
            std::future::pending().await
        };
        tokio::select! {
            served = served => served,
            () = postgres => Ok(()),
            failed = flight => failed,
        }
    }
}

/// Runs query until `shutdown`.
///
/// # Errors
/// As [`bind`] and [`Server::serve`].
pub async fn run(
    config: Config,
    clickhouse: ClickHouseConfig,
    kafka: KafkaConfig,
    tenants: Arc<Tenants>,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    bind(config, clickhouse, kafka, tenants).await?.serve(shutdown).await
}
